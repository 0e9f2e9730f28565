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
from datetime import datetime, timedelta

sys.dont_write_bytecode = True  # leaves nothing beside the sources
from megabox_story import KST, MODES, Story, date_list, shows_of  # noqa: E402


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
        branches = [branch]
        if endpoint == "selectBokdList.do":  # up to five branches in one reply
            asked = [fields.get("brchNo%d" % n) for n in range(1, 6)]
            branches = [one for one in asked if one] or branches
        rows = []
        for one in branches:
            shown = one if phase != "wrongbranch" else "0019"
            rows += shows_of(shown, date, self.story, number, second, phase)[0]
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
