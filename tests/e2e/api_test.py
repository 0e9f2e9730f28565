"""The worker's HTTP API from outside: every answer is what the OpenAPI document says, promtool reads
the metrics, changes need the token, and the stream goes on after a restart.

    api_test.py WORKER SIMULATOR OPENAPI
"""

import contextlib
import json
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import jsonschema

from api_stage import Described, Simulator, Stream, Worker, wait_for

WORKER, SIMULATOR, OPENAPI = sys.argv[1:4]
DOCUMENT = Described.read(OPENAPI)


class ApiTest(Described):
    @classmethod
    def setUpClass(cls):
        cls.simulator = Simulator(SIMULATOR)
        cls.server = cls.simulator.server
        cls.place = tempfile.TemporaryDirectory()
        cls.worker = Worker(WORKER, cls.place.name, cls.server)
        wait_for("uncertain message", cls.uncertain)

    @classmethod
    def tearDownClass(cls):
        cls.worker.stop()
        cls.simulator.stop()
        cls.place.cleanup()

    @classmethod
    def uncertain(cls):
        return cls.worker.json("/api/v1/deliveries?state=uncertain")["items"]

    def change(self, path, code, body="{}", id=None, **more):
        reply = self.worker.ask("POST", path.replace("{id}", id or ""), body,
                                **{"token": True, **more})
        self.assertEqual(reply.status, code, reply.text)
        self.expect(reply, path, "post")
        return reply

    def test_every_answer_is_the_described_one(self):
        ids = {"/page/{id}": "openapi.json", "/api/v1/watches/{id}": "w",
               "/api/v1/watches/{id}/items": "w",
               "/api/v1/events/{id}": self.worker.json("/api/v1/events")["items"][0]["id"]}
        for path, methods in DOCUMENT["paths"].items():
            if "get" not in methods or path == "/api/v1/stream":
                continue
            with self.subTest(path):
                reply = self.worker.ask("GET", path.replace("{id}", ids.get(path, "")))
                self.assertEqual(reply.status, 200, reply.text)
                self.expect(reply, path)
                self.assertEqual(reply.headers["X-Content-Type-Options"], "nosniff")
                if "{id}" in path:
                    missing = self.worker.ask("GET", path.replace("{id}", "no-such"))
                    self.assertEqual(missing.status, 404)
                    self.expect(missing, path)
                head = self.worker.ask("HEAD", path.replace("{id}", ids.get(path, "")))
                self.assertEqual((head.status, head.text), (200, ""))
        self.expect(self.worker.ask("GET", "/api/v1/events?before=x"), "/api/v1/events")

    def test_the_document_would_notice(self):
        # The control: a field too many, a field missing, another type.
        leader = self.worker.json("/api/v1/leader")
        for wrong in ({**leader, "more": 1}, {**leader, "pid": "7"},
                      {name: value for name, value in leader.items() if name != "epoch"}):
            reply = self.worker.ask("GET", "/api/v1/leader")
            reply.text = json.dumps(wrong)
            with self.assertRaises(jsonschema.ValidationError):
                self.expect(reply, "/api/v1/leader")

    def test_what_it_says_is_so(self):
        leader = self.worker.json("/api/v1/leader")
        self.assertEqual(leader["pid"], self.worker.process.pid)
        self.assertTrue(leader["self"])
        self.assertGreater(leader["epoch"], 0)
        self.assertIsNone(leader["lease_left_ms"])  # nobody asks for signs of life
        self.assertEqual(leader["standbys"], [])
        self.assertFalse(leader["may_change"])
        self.assertTrue(self.worker.json("/api/v1/leader", token=True)["may_change"])
        watch = self.worker.json("/api/v1/watches/w")
        self.assertEqual(watch["source"]["state"], "ok")
        items = self.worker.json("/api/v1/watches/w/items?match=1")["items"]
        self.assertEqual(watch["counts"]["matching"], len(items))
        self.assertTrue(all(item["match"] and "별의 아이" in item["fields"]["title"] for item in items))
        everything = self.worker.json("/api/v1/watches/w/items")["items"]
        self.assertTrue(any(not item["match"] for item in everything))
        first = self.worker.json("/api/v1/ticks?limit=1")
        second = self.worker.json("/api/v1/ticks?limit=1&before=" + first["next"])
        self.assertLess(second["items"][0]["id"], first["items"][0]["id"])
        event = self.worker.json("/api/v1/events")["items"][0]
        self.assertEqual([one["state"] for one in event["deliveries"] if one["channel"] == "good"],
                         ["sent"])

    def test_changes(self):
        key = self.uncertain()[0]["id"]
        self.change("/api/v1/deliveries/{id}/skip", 200, id=key)
        self.change("/api/v1/deliveries/{id}/skip", 409, id=key)
        self.change("/api/v1/deliveries/{id}/resend", 404, id="no-such")
        # Skipped, it can be sent all the same; but not when its text is forgotten, which happens after a week.
        with contextlib.closing(sqlite3.connect(self.worker.directory / "api.db")) as database, database:
            database.execute("UPDATE message SET payload = x'' WHERE key = ?", (key,))
        reply = self.change("/api/v1/deliveries/{id}/resend", 409, id=key)
        self.assertEqual(json.loads(reply.text)["error"]["code"], "forgotten")
        reply = self.change("/api/v1/watches/{id}/mute", 200, id="w",
                            body=json.dumps({"until": "2199-01-01T00:00:00Z"}))
        self.assertTrue(json.loads(reply.text)["muted_until"].startswith("2199-01-01"))
        self.assertIsNotNone(self.worker.json("/api/v1/watches/w")["muted_until"])
        self.change("/api/v1/watches/{id}/mute", 400, id="w", body="{}")
        self.change("/api/v1/watches/{id}/mute", 404, id="x")
        self.change("/api/v1/watches/{id}/unmute", 200, id="w")
        self.assertIsNone(self.worker.json("/api/v1/watches/w")["muted_until"])
        self.assertIn(self.worker.ask("POST", "/api/v1/watches/w/poll", "{}", token=True).status,
                      (202, 429))
        for path in ("poll", "pause", "resume"):
            self.change("/api/v1/watches/{id}/" + path, 404, id="x")
        self.assertTrue(json.loads(
            self.change("/api/v1/channels/{id}/test", 200, id="good").text)["ok"])
        self.assertFalse(json.loads(
            self.change("/api/v1/channels/{id}/test", 200, id="doubtful").text)["ok"])
        self.change("/api/v1/channels/{id}/test", 404, id="x")
        check = self.change("/api/v1/config/check", 200, body="version = 1\nx = 2\n",
                            Content_Type="application/toml")
        self.assertEqual(json.loads(check.text)["errors"][0]["line"], 1)
        self.change("/api/v1/config/check", 413, body="#" * 300_000,
                    Content_Type="application/toml")

    def test_without_the_token_nothing_is_changed(self):
        for path, methods in DOCUMENT["paths"].items():
            if "post" not in methods:
                continue
            kind = "application/toml" if path.endswith("check") else "application/json"
            for code, more in ((401, {"token": False}), (401, {"token": "0" * 64}),
                               (403, {"Origin": "http://evil.example"}),
                               (421, {"Host": "evil.example"}),
                               (415, {"Content_Type": "text/plain"})):
                with self.subTest(f"{path} {code}"):
                    self.change(path, code, id="w", **{"Content_Type": kind, **more})
        mode = (self.worker.directory / "api.db.token").stat().st_mode
        self.assertEqual(mode & 0o777, 0o600)

    def test_the_page_may_run_its_own_files_only(self):
        reply = self.worker.ask("GET", "/", Accept="text/html")
        policy = dict(part.split(" ", 1) for part in
                      reply.headers["Content-Security-Policy"].split("; "))
        self.assertEqual(policy["default-src"], "'none'")
        self.assertEqual(policy["frame-ancestors"], "'none'")
        for kind in ("script-src", "style-src", "connect-src", "img-src"):
            self.assertEqual(policy[kind], "'self'", kind)
        inline = r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:"
        self.assertNotRegex(reply.text, inline)
        for planted in ("<script>", "<style>", '<p onclick="x">', '<p style="x">', '<a href="javascript:x">'):
            self.assertRegex(planted, inline)

    def test_promtool_reads_the_metrics(self):
        text = self.worker.ask("GET", "/metrics").text
        self.assertIn('oneloop_ticks_total{watch="w",outcome="ok"}', text)
        self.assertIn('oneloop_deliveries{state="sent"}', text)
        host = self.server.removeprefix("http://")
        self.assertRegex(text, f'oneloop_http_requests_total{{host="{host}",code="200"}} [1-9]')
        self.assertRegex(text, r"\noneloop_tick_lag_seconds \d")
        self.assertIn("\noneloop_lease_remaining_seconds +Inf\n", text)
        self.assertIn('oneloop_duplicates_prevented_total{reason="stale_write"} 0\n', text)
        check = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual((check.returncode, check.stdout), (0, ""))
        broken = subprocess.run(["promtool", "check", "metrics"], input=text + "oneloop_x{ 1\n",
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertNotEqual(broken.returncode, 0)

    def test_wide_needs_a_token(self):
        with tempfile.TemporaryDirectory() as place:
            with self.assertRaisesRegex(AssertionError, "give http.token"):
                Worker(WORKER, place, self.server, "0.0.0.0:0")
            secret = pathlib.Path(place) / "secret"
            secret.write_text("a-token-of-my-own\n")
            secret.chmod(0o600)
            worker = Worker(WORKER, place, self.server, "0.0.0.0:0", 'token = { file = "secret" }')
            try:
                self.assertEqual(worker.ask("GET", "/api/v1/leader").status, 401)
                self.assertEqual(worker.ask("GET", "/metrics").status, 401)
                self.assertEqual(worker.ask("GET", "/status").status, 200)
                self.assertEqual(
                    worker.ask("GET", "/api/v1/leader", token="a-token-of-my-own").status, 200)
            finally:
                worker.stop()

    def test_the_stream_goes_on_after_a_restart(self):
        with tempfile.TemporaryDirectory() as place:
            worker = Worker(WORKER, place, self.server)
            stream = Stream(worker.port)
            self.assertEqual(stream.next()["event"], "hello")
            tick = stream.next("tick")
            self.assertEqual(tick["data"]["watch"], "w")
            seen = int(tick["id"])
            worker.stop()
            worker = Worker(WORKER, place, self.server)
            try:
                stream = Stream(worker.port, seen)
                hello = stream.next()
                self.assertEqual(hello["data"], {"complete": True, "generation": 0,
                                                 "pid": worker.process.pid})
                ids = [int(stream.next()["id"]) for _ in range(3)]
                self.assertEqual(ids, [seen + 1, seen + 2, seen + 3])
                kinds = {stream.next()["event"] for _ in range(3)}
                self.assertIn("tick", kinds)
                # From nowhere: what there is from now on.
                self.assertGreater(int(Stream(worker.port).next("tick")["id"]), ids[-1])
            finally:
                worker.stop()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
