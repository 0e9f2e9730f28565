// The page's words in Korean and English, and how dates and numbers are written.

const KO = {
  title: "oneloop",
  skip: "본문으로 건너뛰기",
  one_loop: "루프 하나가 돌고 있습니다",
  no_loop: "이 프로세스는 돌지 않습니다",
  starting: "시작하는 중입니다",
  loading: "불러오는 중",
  away: "연결을 기다립니다",
  stored_not: "저장하지 못함",
  generation: "세대",
  epoch: "에포크",
  pid: "프로세스",
  since: "시작",
  instance: "인스턴스",
  prevented: "막은 중복",
  prevented_hint: "두 번째로 시작될 뻔한 루프와 확인",
  standbys: "대기 중",
  standby: (pid, since) => `프로세스 ${pid}: ${since}부터 기다리는 중. 이 루프가 끝나면 이어받습니다`,
  next_tick: "다음 확인",
  now: "지금",
  seconds: (n) => `${n}초`,
  minutes: (n) => `${n}분`,
  hours: (n) => `${n}시간`,
  days: (n) => `${n}일`,
  ago: (text) => `${text} 전`,
  just_now: "방금",
  tick: (n) => `확인 #${n}`,
  every: (text) => `${text}마다`,
  live: "실시간",
  polling: "5초마다 확인",
  offline: "다시 연결하는 중",
  watches: "관심 상영",
  events: "알림",
  channels: "알림 통로",
  charts: "그래프",
  needs_you: "확인이 필요합니다",
  needs_you_hint: "보냈지만 답을 받지 못해, 도착했는지 아무도 모릅니다.",
  dead_hint: "보내지 못해 포기했습니다.",
  resend: "다시 보내기",
  skip_it: "넘어가기",
  poll_now: "지금 확인",
  pause: "확인 멈추기",
  resume: "다시 확인",
  paused_since: (text) => `${text}부터 확인을 멈춤`,
  ended: (text) => `${text}까지 확인하고 끝남`,
  mute: "알림 끄기",
  unmute: "알림 켜기",
  muted_until: (text) => `${text}까지 알림 꺼짐`,
  mute_1h: "1시간",
  mute_8h: "8시간",
  mute_1d: "하루",
  mute_7d: "일주일",
  test: "시험 발송",
  testing: "보내는 중…",
  test_ok: "도착",
  test_bad: "실패",
  book: "예매",
  new: "새 회차",
  soldout: "매진",
  gone: "사라짐",
  seats: "좌석",
  time: "시간",
  screen: "상영관",
  film: "영화",
  booking: "예매",
  shows: (n) => `${n}회차`,
  closed: "아직 열리지 않았습니다",
  nothing_matches: "조건에 맞는 회차가 없습니다",
  no_events: "아직 알릴 일이 없었습니다",
  no_channels: "알림 통로가 없습니다. 이 페이지에만 보입니다.",
  failed_times: (n) => `${n}번 연속 실패`,
  source_ok: "정상",
  source_empty: "예매 전",
  source_blocked: "차단됨",
  source_shape: "응답 형식 바뀜",
  source_down: "응답 없음",
  source_starting: "확인 전",
  kind_opened: "열림",
  kind_available: "다시 자리 남",
  kind_sold_out: "매진",
  kind_changed: "바뀜",
  kind_gone: "사라짐",
  state_queued: "대기",
  state_armed: "보내는 중",
  state_failed: "다시 시도",
  state_sent: "보냄",
  state_uncertain: "불확실",
  state_dead: "포기",
  state_skipped: "넘어감",
  state_held: "보류",
  latency: "응답 시간과 결과",
  latency_unit: "밀리초",
  seats_chart: "남은 좌석",
  last_ticks: (n, ok) => `최근 ${n}번 가운데 ${ok}번 정상`,
  language: "English",
  theme_auto: "화면: 자동",
  theme_light: "화면: 밝게",
  theme_dark: "화면: 어둡게",
  sound_on: "소리 켜짐",
  sound_waits: "소리 켜짐: 이 페이지를 한 번 누른 뒤부터",
  sound_off: "소리 꺼짐",
  notify_on: "브라우저 알림 켜짐",
  notify_off: "브라우저 알림 꺼짐",
  notify_denied: "브라우저가 알림을 막았습니다",
  token: "토큰",
  token_hint: "바꾸는 단추에는 토큰이 필요합니다. 터미널의 worker --token이 알려 줍니다.",
  token_wrong: "맞지 않는 토큰입니다",
  save: "저장",
  forget: "지우기",
  cancel: "닫기",
  done_poll: (tick) => `지금 확인합니다: 확인 #${tick}`,
  too_soon: (n) => `방금 확인했습니다. ${n}초 뒤에 됩니다`,
  done: "처리했습니다",
  failed: (text) => `되지 않았습니다: ${text}`,
  footer: "이 페이지는 프로그램 안에 있고, 다른 곳에서 아무것도 불러오지 않습니다.",
};

const EN = {
  title: "oneloop",
  skip: "Skip to the content",
  one_loop: "One loop is running",
  no_loop: "This process does not poll",
  starting: "Starting",
  loading: "Loading",
  away: "Waiting for the worker",
  stored_not: "Not stored",
  generation: "Generation",
  epoch: "Epoch",
  pid: "Process",
  since: "Since",
  instance: "Instance",
  prevented: "Duplicates prevented",
  prevented_hint: "Loops and polls that would have been second ones",
  standbys: "Standing by",
  standby: (pid, since) => `Process ${pid} has waited since ${since} and takes over when this loop ends`,
  next_tick: "Next poll",
  now: "now",
  seconds: (n) => `${n} s`,
  minutes: (n) => `${n} min`,
  hours: (n) => `${n} h`,
  days: (n) => `${n} d`,
  ago: (text) => `${text} ago`,
  just_now: "just now",
  tick: (n) => `Poll #${n}`,
  every: (text) => `every ${text}`,
  live: "Live",
  polling: "Every 5 s",
  offline: "Reconnecting",
  watches: "Watches",
  events: "Events",
  channels: "Channels",
  charts: "Charts",
  needs_you: "Needs you",
  needs_you_hint: "It was handed over and no answer came: nobody knows whether it arrived.",
  dead_hint: "It could not be sent and was given up.",
  resend: "Send again",
  skip_it: "Skip",
  poll_now: "Poll now",
  pause: "Pause",
  resume: "Resume",
  paused_since: (text) => `Paused since ${text}`,
  ended: (text) => `Ended after ${text}`,
  mute: "Mute",
  unmute: "Unmute",
  muted_until: (text) => `Muted until ${text}`,
  mute_1h: "1 hour",
  mute_8h: "8 hours",
  mute_1d: "1 day",
  mute_7d: "1 week",
  test: "Send a test",
  testing: "Sending…",
  test_ok: "Arrived",
  test_bad: "Failed",
  book: "Book",
  new: "New",
  soldout: "Sold out",
  gone: "Gone",
  seats: "Seats",
  time: "Time",
  screen: "Screen",
  film: "Film",
  booking: "Booking",
  shows: (n) => (n === 1 ? "1 show" : `${n} shows`),
  closed: "Not open yet",
  nothing_matches: "No show matches",
  no_events: "Nothing to tell yet",
  no_channels: "There are no channels: it is told on this page only.",
  failed_times: (n) => `${n} failures in a row`,
  source_ok: "Healthy",
  source_empty: "Not open yet",
  source_blocked: "Blocked",
  source_shape: "Changed its shape",
  source_down: "Does not answer",
  source_starting: "Not polled yet",
  kind_opened: "Opened",
  kind_available: "Seats again",
  kind_sold_out: "Sold out",
  kind_changed: "Changed",
  kind_gone: "Gone",
  state_queued: "Waiting",
  state_armed: "Sending",
  state_failed: "Trying again",
  state_sent: "Sent",
  state_uncertain: "Uncertain",
  state_dead: "Given up",
  state_skipped: "Skipped",
  state_held: "Held",
  latency: "Answer time and outcome",
  latency_unit: "milliseconds",
  seats_chart: "Free seats",
  last_ticks: (n, ok) => `${ok} of the last ${n} polls were good`,
  language: "한국어",
  theme_auto: "Theme: automatic",
  theme_light: "Theme: light",
  theme_dark: "Theme: dark",
  sound_on: "Sound on",
  sound_waits: "Sound on, once you have clicked on this page",
  sound_off: "Sound off",
  notify_on: "Browser notifications on",
  notify_off: "Browser notifications off",
  notify_denied: "The browser blocks notifications",
  token: "Token",
  token_hint: "Buttons that change something need the token; worker --token in a terminal tells it.",
  token_wrong: "That is not the token",
  save: "Save",
  forget: "Forget",
  cancel: "Close",
  done_poll: (tick) => `Polling now: it is poll #${tick}`,
  too_soon: (n) => `It was polled a moment ago; again in ${n} s`,
  done: "Done",
  failed: (text) => `That did not work: ${text}`,
  footer: "This page is part of the program and loads nothing from elsewhere.",
};

let language = "en";
let words = EN;

export function setLanguage(name) {
  language = name === "ko" ? "ko" : "en";
  words = language === "ko" ? KO : EN;
  document.documentElement.lang = language;
}

export const getLanguage = () => language;

/** The word for `key`, made with `args` where it needs some. */
export function t(key, ...args) {
  const word = words[key] ?? key;
  return typeof word === "function" ? word(...args) : word;
}

/** A duration in the largest unit that fits. */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return t("seconds", seconds);
  if (seconds < 3600) return t("minutes", Math.round(seconds / 60));
  if (seconds < 48 * 3600) return t("hours", Math.round(seconds / 3600));
  return t("days", Math.round(seconds / 86400));
}

export function ago(iso, now) {
  const past = now - Date.parse(iso);
  return past < 5000 ? t("just_now") : t("ago", span(past));
}

/** "2025-12-04" as a person writes it. */
export function day(date) {
  const [year, month, number] = date.split("-").map(Number);
  return new Intl.DateTimeFormat(language, { month: "long", day: "numeric", weekday: "short", timeZone: "UTC" })
    .format(new Date(Date.UTC(year, month - 1, number)));
}

/** An instant; with its date when that is not today's. */
export function clock(iso) {
  const date = new Date(iso);
  const today = date.toDateString() === new Date().toDateString();
  const parts = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (!today) Object.assign(parts, { month: "numeric", day: "numeric" });
  return new Intl.DateTimeFormat(language, parts).format(date);
}

export const number = (value) => new Intl.NumberFormat(language).format(value);
