"""The stage of api_test.py: a real worker, and a client of its stream."""

import http.client
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import time

LIMIT = 20  # seconds, for what has to happen

CONFIG = """
version = 1
job = "api"
state = "api.db"
[http]
listen = "%(listen)s"
%(http)s
[log]
format = "logfmt"
[preset.megabox]
server = "%(server)s"
[[watch]]
id = "w"
name = "하나 & all"
every = "1s"
dates = { next = 2 }
where = [ { field = "title", contains = "별의 아이" } ]
channels = ["good", "doubtful"]
source = { preset = "megabox", branch = "7011" }
[[channel]]
id = "good"
kind = "exec"
command = ["/bin/true"]
[[channel]]
id = "doubtful"
kind = "exec"
command = ["/bin/sh", "-c", "kill -9 $$"]
on_uncertain = "ask"
"""


def wait_for(what, look):
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        select.select([], [], [], 0.02)
    raise AssertionError("no " + what)


class Worker:
    def __init__(self, worker, directory, server, listen="127.0.0.1:0", http=""):
        self.directory = pathlib.Path(directory)
        config = self.directory / "api.toml"
        config.write_text(CONFIG % {"listen": listen, "http": http, "server": server})
        self.log = open(self.directory / "worker.log", "ab+")
        begin = self.log.seek(0, os.SEEK_END)
        self.process = subprocess.Popen([worker, "--standalone", "--config", config],
                                        stdout=self.log, stderr=subprocess.STDOUT)

        def port():
            text = (self.directory / "worker.log").read_bytes()[begin:].decode()
            found = re.search(r"serving http://[\d.]+:(\d+)", text)
            if not found and self.process.poll() is not None:
                self.log.close()
                raise AssertionError(text)
            return found and int(found[1])
        self.port = wait_for("port", port)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(LIMIT)
        self.log.close()

    def token(self):
        return (self.directory / "api.db.token").read_text().strip()

    def ask(self, method, path, body=None, token=False, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if method == "POST":
            headers.setdefault("Content-Type", "application/json")
        if token:
            headers["Authorization"] = "Bearer " + (token if isinstance(token, str) else self.token())
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        reply.text = reply.read().decode()
        connection.close()
        return reply

    def json(self, path, **more):
        return json.loads(self.ask("GET", path, **more).text)


class Stream:
    def __init__(self, port, last=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        self.connection.request("GET", "/api/v1/stream", headers=headers)
        self.reply = self.connection.getresponse()

    def next(self, kind=None):
        while True:
            event = {}
            while True:
                line = self.reply.readline().decode().rstrip("\n")
                if not line:
                    break
                name, _, value = line.partition(": ")
                event[name] = value
            if event.get("event") and kind in (None, event["event"]):
                event["data"] = json.loads(event["data"])
                return event
