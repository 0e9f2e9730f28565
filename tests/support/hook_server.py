#!/usr/bin/python3
"""A webhook's receiver that answers as it is told to.

    hook_server.py JOURNAL MODE

Prints its port. Each request is one line of JOURNAL: METHOD KEY AUTHORIZATION TYPE BODY-as-JSON. The file MODE holds a status
code, "close" (reads the request, closes without an answer) or "silent". Ends with its standard input.
"""

import http.server
import json
import os
import sys
import threading

journal_path, mode_path = sys.argv[1], sys.argv[2]


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def handle_request(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # the sender went before the end: no request
            self.close_connection = True
            return
        body = body.decode()
        with open(journal_path, "a") as journal:
            journal.write(" ".join([self.command, self.headers.get("Idempotency-Key", "-"),
                                    self.headers.get("Authorization", "-"),
                                    self.headers.get("Content-Type", "-"), json.dumps(body)]) + "\n")
        with open(mode_path) as file:
            mode = file.read().strip()
        if mode == "close":
            self.close_connection = True
            return
        if mode == "silent":
            self.rfile.read(1)
            return
        self.send_response(int(mode))
        self.send_header("Content-Length", "0")
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    do_POST = do_PUT = handle_request


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.serve_forever()
