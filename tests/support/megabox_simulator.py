#!/usr/bin/env python3
"""The Megabox showtime API on loopback, for tests and for the demo.

    megabox_simulator.py [--port N] [--speed X] [--mode MODE] [--exit-with-stdin]

Without --mode it tells a story that starts with the program and repeats: the dates are closed,
showtimes open after ten seconds, seats sell, everything is sold out, seats come back, the server
has a bad time in every way it knows, and then more showtimes open.

    POST /on/oh/ohc/Brch/schedulePage.do               one branch, one date
    POST /on/oh/ohb/SimpleBooking/selectBokdList.do    the booking list (starts with a BOM)
    GET  /_simulator                                   counters, for tests
    POST /_simulator  {"mode": "403"}                  another mode from now on

Only the standard library. Listens on loopback and asks nobody anything.
"""

import argparse
import http.server
import json
import os
import socket
import struct
import sys
import threading
import time
import urllib.parse
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


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes; otherwise each reply takes 40 ms
    story = None

    def log_message(self, *_):
        pass

    def send(self, status, body, content_type="application/json;charset=UTF-8", headers=()):
        data = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def fields(self):
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if data.lstrip().startswith("{"):
            return {key: str(value) for key, value in json.loads(data).items()}
        return dict(urllib.parse.parse_qsl(data, keep_blank_values=True))

    def do_GET(self):
        if self.path == "/_simulator":
            self.send(200, json.dumps(self.story.counters()))
        else:
            self.send(404, "{}")

    def do_POST(self):
        try:
            fields = self.fields()
        except (ValueError, AttributeError):
            self.send(400, "{}")
            return
        if self.path == "/_simulator":
            mode = fields.get("mode", "")
            if mode not in MODES:
                self.send(400, json.dumps({"modes": MODES}))
                return
            self.story.set_mode(mode)
            self.send(200, json.dumps(self.story.counters()))
            return
        endpoint = self.path.rsplit("/", 1)[-1]
        if endpoint not in ("schedulePage.do", "selectBokdList.do"):
            self.send(404, "{}")
            return
        self.story.enter(endpoint)
        try:
            self.answer(endpoint, fields)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            self.story.leave()

    def misbehave(self, phase):
        """True when the phase has answered in its own way."""
        if phase == "html":
            self.send(200, "<!DOCTYPE html><html><body>점검 중입니다</body></html>", "text/html")
        elif phase == "overload":
            self.send(200, "Workload is so high. Please try again later.", "text/plain")
        elif phase == "403":
            self.send(403, "<html><body>Forbidden</body></html>", "text/html")
        elif phase == "429":
            self.send(429, "{}", headers=[("Retry-After", "3")])
        elif phase == "500":
            self.send(500, "Internal Server Error", "text/plain")
        elif phase == "redirect":
            self.send(302, "", headers=[("Location", "https://login.example/")])
        elif phase == "empty":
            self.send(200, "")
        elif phase == "nonjson":
            self.send(200, "statCd=0;list=none", "text/plain")
        elif phase == "reset":
            # A zero linger time turns the close into a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            self.rfile = self.wfile = open(os.devnull, "r+b")
        elif phase == "hang":
            while self.story.now()[2] == "hang" and not self.gone():
                time.sleep(0.02)
            self.close_connection = True
        else:
            return False
        return True

    def gone(self):
        self.connection.settimeout(0)
        try:
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.connection.settimeout(None)

    def answer(self, endpoint, fields):
        number, second, phase = self.story.now()
        branch = fields.get("brchNo1") or fields.get("brchNo") or "7011"
        date = fields.get("playDe", "")
        if phase == "partial":  # tomorrow's date fails, the others are fine
            tomorrow = (datetime.now(KST) + timedelta(days=1)).strftime("%Y%m%d")
            phase = "403" if date == tomorrow else "open"
        if self.misbehave(phase):
            return
        if phase == "slow":
            time.sleep(1.0)
        shown = branch if phase != "wrongbranch" else "0019"
        rows, _ = shows_of(shown, date, self.story, number, second, phase)
        if phase == "noseats":
            for one in rows:
                del one["restSeatCnt"]
        listed = [] if phase == "null" else date_list(self.story, branch, number, second, phase)
        form = rows or None
        if phase == "null":
            form = None
        if endpoint == "selectBokdList.do":
            body = {"statCd": 0, "msg": "success", "movieList": [], "areaBrchList": [],
                    "spclbBrchList": [], "movieFormDeList": listed, "movieFormList": form}
        else:
            body = {"statCd": 0, "megaMap": {
                "movieFormList": form, "movieEventList": [], "crtDe": fields.get("crtDe", ""),
                "playDe": date, "firstAt": fields.get("firstAt", "N")}}
            if fields.get("firstAt") == "Y":
                body["megaMap"]["movieFormDeList"] = listed
        if phase == "shape":
            body = {"statCd": 0, "data": {"schedules": rows}}
        text = json.dumps(body, ensure_ascii=False).encode()
        if phase == "bom" or endpoint == "selectBokdList.do":
            text = b"\xef\xbb\xbf" + text
        self.send(200, text)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def end_with_stdin():
    while os.read(0, 4096):
        pass
    os._exit(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=8377, help="0: any free port")
    parser.add_argument("--speed", type=float, default=1.0, help="how fast the story goes")
    parser.add_argument("--mode", choices=MODES, default="normal")
    parser.add_argument("--seed", type=int, default=None,
                        help="first number of the showtimes' ids; by default another at every start")
    parser.add_argument("--exit-with-stdin", action="store_true",
                        help="end when standard input ends, so that nothing is left behind")
    options = parser.parse_args()
    # A new start of the demo is a new programme: otherwise a worker that remembers would have
    # nothing to announce.
    seed = options.seed if options.seed is not None else int(time.time()) // 5 % 9 * 10
    Handler.story = Story(options.speed, options.mode, seed)
    server = Server(("127.0.0.1", options.port), Handler)
    print("listening on http://127.0.0.1:%d" % server.server_address[1], flush=True)
    if options.exit_with_stdin:
        threading.Thread(target=end_with_stdin, daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
