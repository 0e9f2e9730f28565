#!/usr/bin/env python3
"""Measures what a thousand watches cost on one polling thread, beside urlwatch with the same list.

    tests/bench/poll_load.py [--write] WORKER [WATCHES [SECONDS]]

A server on loopback counts what it is asked. The worker polls each watch every 30 s for SECONDS
(95); then each watch was asked exactly once for each of its ticks, or the run fails. urlwatch
(Debian's package) has no loop: it is run three times with the same URLs. Prints; with --write it
keeps its section in docs/benchmarks.md. Not a test otherwise.
"""

import asyncio
import collections
import datetime
import json
import multiprocessing
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

from page import keep, machine, table

HEADING = "A thousand watches on one polling thread"
EVERY = 30


def reply(path):
    rows = [{"id": f"{path}-{n}", "title": "별의 아이", "start": f"{10 + n}:00", "seats": 40 + n}
            for n in range(5)]
    return json.dumps({"rows": rows}, ensure_ascii=False).encode()


async def serve(port_pipe):
    asked = collections.Counter()

    async def answer(reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode()
                if path == "/counts":
                    body = json.dumps(asked).encode()
                else:
                    asked[path] += 1
                    body = reply(path)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    port_pipe.send(server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()


def run_server(pipe):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(serve(pipe))


def counts(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts") as answer:
        return json.load(answer)


def usage(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return {"cpu": (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"),
            "rss": int(status["VmRSS"].split()[0]) / 1024,
            "peak": int(status["VmHWM"].split()[0]) / 1024}


def measure_worker(worker, watches, seconds, port, scratch):
    config = ['version = 1\njob = "load"\nstate = "load.db"\n[http]\nlisten = "127.0.0.1:0"\n'
              '[log]\nformat = "logfmt"\n']
    for n in range(watches):
        config.append(f'[[watch]]\nid = "w{n}"\nevery = "{EVERY}s"\ndates = {{ next = 1 }}\n'
                      f'[watch.source]\nurl = "http://127.0.0.1:{port}/{n}/{{date:%Y%m%d}}"\n'
                      'items = "/rows"\nid = "{id}"\n'
                      '[watch.source.fields]\ntitle = "title"\nstart = "start"\nseats = "seats"\n')
    (scratch / "load.toml").write_text("".join(config))
    with open(scratch / "out", "w", encoding="utf-8") as out:
        began = time.monotonic()
        process = subprocess.Popen([worker, "--standalone", "--config", str(scratch / "load.toml")],
                                   stdout=out, stderr=out)
        first_round = None
        rounds_cpu = 0.0
        while time.monotonic() - began < seconds:
            if process.poll() is not None:
                sys.exit((scratch / "out").read_text()[-2000:])
            if first_round is None and sum(counts(port).values()) >= watches:
                first_round = time.monotonic() - began
                rounds_cpu = usage(process.pid)["cpu"]
            time.sleep(0.2)
        after = usage(process.pid)
        took = time.monotonic() - began
        process.send_signal(signal.SIGTERM)
        if process.wait(40) not in (0, -signal.SIGTERM):
            sys.exit((scratch / "out").read_text()[-2000:])
    asked = counts(port)
    with sqlite3.connect(scratch / "load.db") as state:
        ticks = dict(state.execute("SELECT id, tick FROM watch"))
    by_watch = collections.Counter()
    for path, number in asked.items():
        by_watch["w" + path.split("/")[1]] += number
    wrong = {watch: (tick, by_watch[watch]) for watch, tick in ticks.items()
             if tick != by_watch[watch]}
    if first_round is None:
        sys.exit(f"the first round was not over after {took:.0f} s: {by_watch.total()} requests")
    after.update(ticks=sum(ticks.values()), requests=by_watch.total(), wrong=wrong, took=took,
                 first_round=first_round,
                 steady=(after["cpu"] - rounds_cpu) / (took - first_round))
    return after


def measure_urlwatch(watches, port, scratch):
    program = shutil.which("urlwatch")
    if not program:
        return None
    today = datetime.date.today().strftime("%Y%m%d")
    (scratch / "urls.yaml").write_text("---\n".join(
        f"name: w{n}\nurl: http://127.0.0.1:{port}/{n}/{today}\n" for n in range(watches)))
    (scratch / "urlwatch.yaml").write_text(
        "display: {new: false, error: true, unchanged: false}\nreport: {stdout: {enabled: true}}\n")
    (scratch / "hooks.py").write_text("")
    command = [program, "--urls", str(scratch / "urls.yaml"),
               "--config", str(scratch / "urlwatch.yaml"), "--hooks", str(scratch / "hooks.py"),
               "--cache", str(scratch / "urlwatch.db")]
    runs = []
    for _ in range(3):
        before = sum(counts(port).values())
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env={**os.environ, "HOME": str(scratch)})
        _, status, rusage = os.wait4(process.pid, 0)
        if status != 0:
            sys.exit(f"urlwatch: wait status {status}")
        runs.append({"took": time.monotonic() - began, "cpu": rusage.ru_utime + rusage.ru_stime,
                     "peak": rusage.ru_maxrss / 1024,
                     "requests": sum(counts(port).values()) - before})
    return runs[-1]  # the first one fills its cache


def main():
    words = [word for word in sys.argv[1:] if word != "--write"]
    worker = os.path.abspath(words[0])
    watches = int(words[1]) if len(words) > 1 else 1000
    seconds = int(words[2]) if len(words) > 2 else 95
    load = os.getloadavg()[0]
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=run_server, args=(theirs,), daemon=True)
    server.start()
    port = ours.recv()
    with tempfile.TemporaryDirectory() as scratch:
        ours_did = measure_worker(worker, watches, seconds, port, pathlib.Path(scratch))
        others = measure_urlwatch(watches, port, pathlib.Path(scratch))
    server.terminate()
    if ours_did["wrong"]:
        sys.exit(f"requests and ticks differ: {dict(list(ours_did['wrong'].items())[:10])}")
    cpu = ours_did["steady"] * EVERY
    rows = [["worker, one thread", f"{ours_did['requests']:,}", f"{ours_did['ticks']:,}",
             f"{ours_did['first_round']:.1f}", f"{cpu:.2f}", f"{cpu / watches * 1000:.2f}",
             f"{ours_did['peak']:.0f}"]]
    if others:
        rows.append(["urlwatch, one run", f"{others['requests']:,}", "-", f"{others['took']:.1f}",
                     f"{others['cpu']:.2f}", f"{others['cpu'] / watches * 1000:.2f}",
                     f"{others['peak']:.0f}"])
    text = "\n\n".join([
        f"Written by `tests/bench/poll_load.py --write`. {watches:,} watches, each with a URL of its "
        f"own on loopback,\nevery {EVERY} s, for {ours_did['took']:.0f} s.",
        table(["", "requests", "ticks", "first round s", f"CPU s per {EVERY} s", "CPU ms per poll",
               "peak MiB"], rows),
        "Every watch was asked exactly as often as it had ticks, each of which is on the disk before "
        "its\nrequest is sent, and again after the reply. " +
        ("urlwatch compares one text with the one before,\nin threads, and is started anew each time, "
         "as by cron." if others else "urlwatch was not installed."),
        machine(load)])
    print(text)
    if "--write" in sys.argv:
        keep({HEADING: text})


if __name__ == "__main__":
    main()
