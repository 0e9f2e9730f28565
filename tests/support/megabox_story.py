"""The story that megabox_simulator.py tells: which showtimes exist now, and with how many seats."""

import threading
import time
from datetime import datetime, timedelta, timezone

KST = timezone(timedelta(hours=9))
BRANCHES = {
    "7011": "대구신세계&#40;동대구&#41;",
    "1351": "코엑스",
    "1372": "강남",
    "0052": "수원AK플라자",
}
MODES = ("normal closed open soldout bom null html overload 403 429 500 redirect reset slow hang shape "
         "empty wrongbranch nonjson noseats partial").split()

# One round of the story: (second it begins at, phase). Seconds are divided by --speed.
STORY = [
    (0, "closed"),
    (10, "open"),
    (40, "soldout"),
    (50, "back"),
    (70, "overload"),
    (74, "403"),
    (78, "429"),
    (82, "null"),
    (86, "shape"),
    (90, "normal"),
]
ROUND = 100

FILM = ("25012300", "별의 아이 &#40;재개봉&#41;", "2D&#40;자막&#41;")
OTHER = ("25009900", "여름 &amp; 바다", "2D")
#        start     end      screen                                 kind   seats
SHOWS = [
    ("10:20", "12:35", "컴포트 1관", "CFT", 120),
    ("19:00", "21:15", "컴포트 1관", "CFT", 120),
    ("19:00", "21:15", "2관", "NOR", 98),
    ("21:40", "23:55", "르 리클라이너 5관&#40;마이어사운드&#41;", "RCL", 64),
    ("24:10", "26:25", "돌비 시네마", "DBC", 216),
]
OTHER_SHOWS = [("14:00", "15:50", "3관", "NOR", 88), ("23:30", "25:20", "3관", "NOR", 88)]


class Story:
    """What the cinema shows now. All methods hold the lock; handlers run in threads."""

    def __init__(self, speed, mode, seed):
        self.lock = threading.Lock()
        self.began = time.monotonic()
        self.speed = speed
        self.mode = mode
        self.seed = seed
        self.total = self.running = self.most = 0
        self.endpoints = {}

    def enter(self, endpoint):
        with self.lock:
            self.total += 1
            self.endpoints[endpoint] = self.endpoints.get(endpoint, 0) + 1
            self.running += 1
            self.most = max(self.most, self.running)

    def leave(self):
        with self.lock:
            self.running -= 1

    def counters(self):
        with self.lock:
            return {"total": self.total, "endpoints": dict(self.endpoints),
                    "concurrent_max": self.most, "running": self.running, "mode": self.mode}

    def set_mode(self, mode):
        with self.lock:
            self.mode = mode

    def now(self):
        """(round of the story, second within it, phase)"""
        with self.lock:
            if self.mode != "normal":
                return 0, 20.0, self.mode
            seconds = (time.monotonic() - self.began) * self.speed
        number, second = divmod(seconds, ROUND)
        phase = [name for start, name in STORY if start <= second][-1]
        return int(number), second, phase


def row(branch, date, sequence, film, show, seats):
    start, end, screen, kind, total = show
    number, title, play_kind = film
    result = {
        "playSchdlNo": "%s%s%03d" % (date[2:], branch, sequence % 1000),
        "brchNo": branch, "brchNm": BRANCHES.get(branch, branch), "areaCd": "55", "areaCdNm": "대구",
        "movieNo": number, "movieNm": title, "rpstMovieNo": number, "rpstMovieNm": title,
        "theabNo": "01", "theabExpoNm": screen, "theabKindCd": kind,
        "playKindCd": "MOV", "playKindNm": play_kind,
        "playDe": date, "playStartTime": start, "playEndTime": end,
        "restSeatCnt": seats, "totSeatCnt": total, "theabSeatCnt": total,
        "bokdAbleAt": "Y" if seats else "N", "brchBokdUnableAt": "N",
        "seq": sequence % 10 + 1, "admisClassCd": "AD02",
    }
    return result


def seats_left(total, phase, second, index):
    if phase == "soldout":
        return 0
    if phase == "open":
        sold = max(0.0, second - 10) / 30 * total * (1.1 + index * 0.1)
        return max(0, int(total - sold))
    if phase == "back":
        return 2 + index
    return max(3, total // 4)


def shows_of(branch, date, story, number, second, phase):
    """Rows of one branch and date, and whether the date is open at all."""
    today = datetime.now(KST).date()
    try:
        away = (datetime.strptime(date, "%Y%m%d").date() - today).days
    except ValueError:
        return [], False
    rows = []
    fixed = story.mode != "normal"
    # Rounds share the dates: each opens showtimes of its own and keeps those of the one before.
    rounds = [number] if fixed else ([number - 1] if number else [])
    if not fixed and phase != "closed":
        rounds.append(number)
    if phase == "closed" and fixed:
        rounds = []
    if fixed or 1 <= away <= 2:
        for n in rounds:
            for index, show in enumerate(SHOWS[:2 + (away * 3 + n) % 4] if not fixed else SHOWS):
                sequence = story.seed + (n % 9) * 100 + index + 1
                old = n < number
                left = 0 if old else seats_left(show[4], phase, second, index)
                rows.append(row(branch, date, sequence, FILM, show, left))
    if rows or (away == 0 and not fixed):
        for index, show in enumerate(OTHER_SHOWS):
            rows.append(row(branch, date, story.seed + 91 + index, OTHER, show, show[4] // 2))
    return sorted(rows, key=lambda r: r["playStartTime"]), bool(rows)


def date_list(story, branch, number, second, phase):
    today = datetime.now(KST)
    dates = []
    for away in range(14):
        date = (today + timedelta(days=away)).strftime("%Y%m%d")
        is_open = shows_of(branch, date, story, number, second, phase)[1]
        dates.append({"playDe": date, "formAt": "Y" if is_open else "N", "dowKorNm": "월"})
    return dates
