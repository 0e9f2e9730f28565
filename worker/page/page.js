// The page: what is known, when it is asked for anew, and what the buttons do.
import { Refusal, follow, get, getToken, post, setToken, takeToken } from "./api.js";
import { drawCharts } from "./charts.js";
import { byId, morph } from "./dom.js";
import { describe, channels, events, hero, tools, urgent, watches } from "./view.js";
import { getLanguage, setLanguage, span, t } from "./text.js";

const POLL = 5000; // ms between two looks while there is no stream
const GRACE = 2500; // ms that a reload may take before anybody is told
const TOLD = ["opened", "available", "changed"];

const remember = (name, value) => localStorage.setItem(`oneloop.${name}`, value);
const recall = (name) => localStorage.getItem(`oneloop.${name}`);

const state = {
  leader: null, trusted: false, watches: [], items: {}, ticks: [], events: [], open: [], channels: [],
  tests: {}, link: "offline", skew: 0, unseen: 0,
};
const settings = {
  sound: recall("sound") === "on",
  notify: recall("notify") === "on" && globalThis.Notification?.permission === "granted",
  theme: recall("theme") ?? "auto",
};

const now = () => Date.now() + state.skew;

// --- What is asked for ---

const readers = {
  async leader() {
    state.leader = await get("leader");
    state.trusted = state.leader.may_change;
    state.skew = Date.parse(state.leader.now) - Date.now();
    if (Math.abs(state.skew) < 2000) state.skew = 0;
  },
  async watches() {
    state.watches = (await get("watches")).items;
    const lists = await Promise.all(state.watches.slice(0, 40).map((watch) =>
      get(`watches/${encodeURIComponent(watch.id)}/items?match=1`)));
    state.items = Object.fromEntries(lists.map((list, index) => [state.watches[index].id, list.items]));
  },
  async ticks() { state.ticks = (await get("ticks?limit=300")).items; },
  async events() {
    const [all, uncertain, dead] = await Promise.all([get("events?limit=12"), get("deliveries?state=uncertain"), get("deliveries?state=dead&limit=20")]);
    state.events = all.items;
    state.open = [...uncertain.items, ...dead.items];
  },
  async channels() { state.channels = (await get("channels")).items; },
};

const wanted = new Set();
let reading = false;

/** Reads these parts anew, soon and together; what fails is asked again by whoever notices. */
async function refresh(...parts) {
  for (const part of parts) wanted.add(part);
  if (reading) return;
  reading = true;
  try {
    while (wanted.size) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      const now = [...wanted];
      wanted.clear();
      await Promise.all(now.map((part) => readers[part]()));
      render();
    }
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) openToken();
  } finally {
    reading = false;
  }
}

const everything = Object.keys(readers);

// --- What is shown ---

function render() {
  const at = now();
  byId("job").textContent = state.leader?.job ?? "";
  byId("hero").dataset.state = state.leader?.self ? "loop" : "idle";
  morph(byId("hero"), hero(state, at));
  morph(byId("urgent"), urgent(state));
  morph(byId("watches"), watches(state, at));
  morph(byId("events"), events(state, at));
  morph(byId("channels"), channels(state));
  renderFrame();
  drawCharts(state);
}

function renderFrame() {
  morph(byId("tools"), tools({ ...settings, silent: silent(), trusted: state.trusted, language: getLanguage(), denied: globalThis.Notification?.permission === "denied" }));
  const names = { skip: "skip", "watches-title": "watches", "events-title": "events", "channels-title": "channels", "charts-title": "charts",
    "latency-title": "latency", "seats-title": "seats_chart", footer: "footer", "token-title": "token", "token-label": "token",
    "token-hint": "token_hint", "token-save": "save", "token-forget": "forget", "token-close": "cancel" };
  for (const [id, word] of Object.entries(names)) byId(id).textContent = t(word);
  document.title = `${state.unseen ? `(${state.unseen}) ` : ""}oneloop${state.leader ? ` · ${state.leader.job}` : ""}`;
  const link = byId("link");
  link.dataset.state = state.link;
  if (link.textContent !== t(state.link)) link.textContent = t(state.link);
}

/** Between two ticks only the clocks move. */
function turnClocks() {
  if (!state.leader) return;
  const left = state.leader.next ? Date.parse(state.leader.next) - now() : null;
  const every = Math.max(...state.watches.map((watch) => watch.every_ms), 1000);
  const place = byId("left-over");
  const shown = left === null ? "–" : left < 500 ? t("now") : span(left);
  if (place && place.textContent !== shown) place.textContent = shown;
  const part = left === null ? 0 : Math.min(1, Math.max(0, left / every));
  document.querySelector(".hand")?.setAttribute("stroke-dashoffset", (100 - part * 100).toFixed(1));
  for (const due of document.querySelectorAll("[data-due]")) {
    const wait = Date.parse(due.dataset.due) - now();
    const text = `${t("next_tick")} ${wait < 500 ? t("now") : span(wait)}`;
    if (due.textContent !== text) due.textContent = text;
  }
}

let toastTimer = 0;
function toast(text) {
  byId("toast").textContent = text;
  byId("toast").classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => byId("toast").classList.remove("shown"), 3500);
}

// --- What happens there ---

let offline = 0;
let polling = 0;

function setLink(link) {
  state.link = link;
  renderFrame();
}

const onStream = {
  open() {
    clearTimeout(offline);
    clearInterval(polling);
    offline = polling = 0;
    setLink("live");
  },
  lost(count) {
    // A reload is over before anybody has to know.
    offline ||= setTimeout(() => setLink(polling ? "polling" : "offline"), GRACE);
    if (count >= 3) polling ||= setInterval(pollOnce, POLL);
  },
  event(kind, data) {
    if (kind === "hello") refresh(...everything);
    if (kind === "tick") refresh("leader", "watches", "ticks");
    if (kind === "delivery") refresh("events");
    if (kind === "mute") refresh("watches");
    if (kind === "pause") refresh("leader", "watches");
    if (kind === "leader" || kind === "prevented") refresh("leader");
    if (kind === "event") {
      refresh("events", "watches");
      if (TOLD.includes(data.what)) tell(data);
    }
  },
};

async function pollOnce() {
  try {
    await readers.leader();
    setLink("polling");
    refresh(...everything);
  } catch {
    setLink("offline");
  }
}

const telling = [];
let tellTimer = 0;

/** Ten that open at once are one sound and one notification. */
function tell(data) {
  telling.push(data.event);
  tellTimer ||= setTimeout(async () => {
    tellTimer = 0;
    const ids = telling.splice(0);
    const found = await Promise.all(ids.slice(0, 5).map((id) => get(`events/${encodeURIComponent(id)}`).catch(() => null)));
    const first = found.find(Boolean);
    const text = `${t(`kind_${first?.kind ?? "opened"}`)}: ${first?.payload?.title ?? ""}${ids.length > 1 ? ` +${ids.length - 1}` : ""}`;
    byId("announce").textContent = text;
    if (document.hidden) state.unseen += ids.length;
    if (settings.sound) chime();
    if (settings.notify && Notification.permission === "granted")
      new Notification(text, { body: first ? describe(first) : "", tag: ids[0], icon: "/page/icon.svg" });
    renderFrame();
  }, 400);
}

// A browser plays nothing on a page that nobody has touched since it was loaded, and would play it
// all later.
const silent = () => navigator.userActivation?.hasBeenActive === false;

let audio = null;
function chime() {
  if (silent()) return;
  audio ??= new AudioContext();
  [660, 880, 1320].forEach((pitch, index) => {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const start = audio.currentTime + index * 0.13;
    tone.type = "sine";
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, start);
    volume.gain.exponentialRampToValueAtTime(0.18, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.45);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.5);
  });
}

// --- What a person does ---

function openToken() {
  byId("token-input").value = getToken();
  byId("token-wrong").textContent = "";
  if (!byId("token-dialog").open) byId("token-dialog").showModal();
}

const id = (data) => encodeURIComponent(data.id);
const actions = {
  async notify() {
    if (!settings.notify && globalThis.Notification) await Notification.requestPermission();
    settings.notify = !settings.notify && globalThis.Notification?.permission === "granted";
    remember("notify", settings.notify ? "on" : "off");
    toast(t(settings.notify ? "notify_on" : globalThis.Notification?.permission === "denied" ? "notify_denied" : "notify_off"));
  },
  sound() {
    settings.sound = !settings.sound;
    remember("sound", settings.sound ? "on" : "off");
    if (settings.sound) chime();
  },
  theme() {
    settings.theme = { auto: "light", light: "dark", dark: "auto" }[settings.theme] ?? "auto";
    remember("theme", settings.theme);
    if (settings.theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = settings.theme;
    render();
  },
  language() {
    setLanguage(getLanguage() === "ko" ? "en" : "ko");
    remember("language", getLanguage());
    render();
  },
  token: openToken,
  "token-close": () => byId("token-dialog").close(),
  async "token-forget"() {
    setToken("");
    byId("token-dialog").close();
    await refresh("leader");
  },
  async "token-save"() {
    setToken(byId("token-input").value.trim());
    const right = await readers.leader().then(() => state.trusted, () => false);
    byId("token-wrong").textContent = right ? "" : t("token_wrong");
    if (right) byId("token-dialog").close();
    else setToken("");
    refresh(...everything);
  },
  async poll(data) {
    const { tick_seq: tick } = await post(`watches/${id(data)}/poll`);
    toast(t("done_poll", tick));
  },
  async mute(data) {
    const until = new Date(now() + Number(data.hours) * 3_600_000).toISOString();
    await post(`watches/${id(data)}/mute`, { until });
    await refresh("watches");
  },
  async unmute(data) {
    await post(`watches/${id(data)}/unmute`);
    await refresh("watches");
  },
  async pause(data) {
    await post(`watches/${id(data)}/pause`);
    await refresh("leader", "watches");
  },
  async resume(data) {
    await post(`watches/${id(data)}/resume`);
    await refresh("leader", "watches");
  },
  async resend(data) {
    await post(`deliveries/${id(data)}/resend`);
    toast(t("done"));
    await refresh("events");
  },
  async skip(data) {
    await post(`deliveries/${id(data)}/skip`);
    toast(t("done"));
    await refresh("events");
  },
  async test(data) {
    state.tests[data.id] = "running";
    render();
    state.tests[data.id] = await post(`channels/${id(data)}/test`).catch((error) => ({ ok: false, reply: error.message }));
    render();
  },
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-action]");
  // A menu closes with a click elsewhere, or a choice.
  for (const menu of document.querySelectorAll("details.mute-menu[open]")) {
    if (!menu.contains(event.target) || button) menu.removeAttribute("open");
  }
  if (!button || button.disabled) return;
  try {
    await actions[button.dataset.action](button.dataset);
  } catch (error) {
    toast(error.status === 429 ? t("too_soon", error.retryAfter || 1) : t("failed", error.message));
  }
  renderFrame();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelector("details.mute-menu[open]")?.removeAttribute("open");
  if (event.key === "Enter" && event.target.id === "token-input") actions["token-save"]();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  state.unseen = 0;
  renderFrame();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawCharts(state));

takeToken();
addEventListener("hashchange", () => { takeToken(); refresh(...everything); });
setLanguage(recall("language") ?? (navigator.language.startsWith("ko") ? "ko" : "en"));
renderFrame();
morph(byId("hero"), hero(state, now()));
refresh(...everything);
setInterval(turnClocks, 250);
follow(onStream);
