"""What a person asks of the polling thread over HTTP, and what is said of the right to poll: each
with a worker of its own.

    api_poll_test.py WORKER SIMULATOR OPENAPI
"""

import datetime
import json
import re
import subprocess
import sys
import tempfile
import unittest

from api_stage import LIMIT, Described, Simulator, Worker, wait_for

WORKER, SIMULATOR, OPENAPI = sys.argv[1:4]
Described.read(OPENAPI)


class ApiPollTest(Described):
    @classmethod
    def setUpClass(cls):
        cls.simulator = Simulator(SIMULATOR)
        cls.server = cls.simulator.server

    @classmethod
    def tearDownClass(cls):
        cls.simulator.stop()

    def test_a_pause_outlasts_a_restart(self):
        def start():
            return Worker(WORKER, place, self.server)

        def watch():
            return worker.json("/api/v1/watches/w")

        def change(path):
            reply = worker.ask("POST", path.replace("{id}", "w"), "{}", token=True)
            self.expect(reply, path, "post")
            return reply.status

        with tempfile.TemporaryDirectory() as place:
            worker = start()
            try:
                wait_for("events", lambda: worker.json("/api/v1/events")["items"])
                self.assertEqual(change("/api/v1/watches/{id}/pause"), 200)
                wait_for("pause", lambda: worker.json("/status")["oneloop"]["paused"] == ["w"])
                paused = watch()
                self.assertIsNone(paused["due"])
                self.assertIn('oneloop_paused{watch="w"} 1', worker.ask("GET", "/metrics").text)
                events = worker.json("/api/v1/events")["items"]
                worker.stop()
                # A new process polls at once what is due.
                worker = start()
                wait_for("pause", lambda: worker.json("/status")["oneloop"]["paused"] == ["w"])
                self.assertEqual(change("/api/v1/watches/{id}/poll"), 409)
                status = worker.json("/status")["oneloop"]
                self.assertEqual((status["tick"], status["next"]), (0, None))
                self.assertEqual(worker.ask("GET", "/healthz").status, 200)
                self.assertEqual(watch()["tick_seq"], paused["tick_seq"])
                self.assertEqual(watch()["paused_since"], paused["paused_since"])
                state = subprocess.check_output(
                    [WORKER, "--state", "--config", worker.directory / "api.toml"], text=True)
                self.assertIn("next not, paused since", state)
                self.assertEqual(change("/api/v1/watches/{id}/resume"), 200)
                wait_for("tick", lambda: watch()["tick_seq"] > paused["tick_seq"])
                self.assertIsNone(watch()["paused_since"])
                self.assertEqual([one["id"] for one in worker.json("/api/v1/events")["items"]],
                                 [one["id"] for one in events])
            finally:
                worker.stop()

    def test_poll_now_respects_the_budget_of_the_host(self):
        with tempfile.TemporaryDirectory() as place:
            host = self.server.removeprefix("http://")
            worker = Worker(WORKER, place, self.server,
                            http=f'[host."{host}"]\nrate = "1/min"\nburst = 2')
            try:
                wait_for("tick", lambda: worker.json("/status")["oneloop"]["tick"] > 0)
                reply = worker.ask("POST", "/api/v1/watches/w/poll", "{}", token=True)
                self.expect(reply, "/api/v1/watches/{id}/poll", "post")
                self.assertEqual(reply.status, 429)
                # Longer than the watch's own shortest distance, which is a second here.
                self.assertGreater(int(reply.headers["Retry-After"]), 2)
            finally:
                worker.stop()

    def test_poll_now_says_which_tick_it_is(self):
        with tempfile.TemporaryDirectory() as place:
            worker = Worker(WORKER, place, self.server, every="1h")
            path = "/api/v1/watches/{id}/poll"

            def order():
                reply = worker.ask("POST", path.replace("{id}", "w"), "{}", token=True)
                self.expect(reply, path, "post")
                return reply.status == 202 and json.loads(reply.text)

            try:
                wait_for("tick", lambda: worker.json("/api/v1/ticks")["items"])
                # The first answers are 429: it was polled a moment ago.
                told = wait_for("permission", order)
                self.assertEqual(told["tick_seq"], 2)
                polled = wait_for("that tick", lambda: [
                    tick for tick in worker.json("/api/v1/ticks")["items"] if tick["seq"] == 2])
                due, at = (datetime.datetime.fromisoformat(time)
                           for time in (told["due"], polled[0]["at"]))
                self.assertLess(abs((at - due).total_seconds()), LIMIT)
                # The control: without an order there is none for an hour.
                self.assertEqual(worker.json("/api/v1/ticks")["items"][0]["seq"], 2)
                again = worker.json("/api/v1/watches/w")["due"]
                self.assertGreater((datetime.datetime.fromisoformat(again) - at).total_seconds(),
                                   1800)
            finally:
                worker.stop()

    def test_the_lease_is_what_is_left_of_the_watchdogs_time(self):
        with tempfile.TemporaryDirectory() as place:
            worker = Worker(WORKER, place, self.server, environment={
                "NOTIFY_SOCKET": place + "/manager", "WATCHDOG_USEC": "4000000"})
            try:
                wait_for("tick", lambda: worker.json("/status")["oneloop"]["tick"] > 0)
                left = worker.json("/api/v1/leader")["lease_left_ms"]
                self.assertTrue(0 < left <= 4000, left)
                text = worker.ask("GET", "/metrics").text
                seconds = float(re.search(r"^oneloop_lease_remaining_seconds (.*)$", text, re.M)[1])
                self.assertTrue(0 < seconds <= 4, seconds)
            finally:
                worker.stop()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
