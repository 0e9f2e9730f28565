"""The stage of the API's tests: a real worker, a client of its stream, and the document that describes its answers."""

import http.client
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import time
import unittest

import jsonschema

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
every = "%(every)s"
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


class Simulator:
    def __init__(self, path):
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-B", path, "--port", "0", "--mode", "open", "--exit-with-stdin"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.server = re.search(r"http://[\d.:]+", self.process.stdout.readline())[0]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(LIMIT)
        self.process.stdout.close()


class Described(unittest.TestCase):
    """Tests whose answers are held against the OpenAPI document."""

    document = None

    @classmethod
    def read(cls, path):
        cls.document = json.loads(pathlib.Path(path).read_text())
        return cls.document

    def expect(self, reply, path, method="get"):
        """The answer is one that the document describes."""
        described = self.document["paths"][path][method]["responses"]
        self.assertIn(str(reply.status), described, f"{method} {path}: {reply.text[:200]}")
        content = described[str(reply.status)].get("content")
        if not content:
            return
        kind = reply.headers.get_content_type()
        self.assertIn(kind, content, path)
        if kind == "application/json":
            schema = {**content[kind]["schema"], "components": self.document["components"]}
            checker = jsonschema.Draft202012Validator(
                schema, format_checker=jsonschema.FormatChecker())
            checker.validate(json.loads(reply.text))


class Worker:
    def __init__(self, worker, directory, server, listen="127.0.0.1:0", http="", every="1s",
                 environment=None):
        self.directory = pathlib.Path(directory)
        config = self.directory / "api.toml"
        config.write_text(CONFIG % {"listen": listen, "http": http, "server": server,
                                    "every": every})
        self.log = open(self.directory / "worker.log", "ab+")
        begin = self.log.seek(0, os.SEEK_END)
        self.process = subprocess.Popen([worker, "--standalone", "--config", config],
                                        stdout=self.log, stderr=subprocess.STDOUT,
                                        env={**os.environ, **(environment or {})})

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
