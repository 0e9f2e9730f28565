#!/usr/bin/env python3
"""Measures the worker's HTTP server: /status beside Flask's development server and gunicorn that say
the same, in one run; and what the worker needs with 1,000 watches and 50 streams.

    tests/bench/http_rate.py [--write] WORKER

Needs wrk, python3-flask and gunicorn from Debian. Not a test: it prints; with --write it keeps its
tables in docs/benchmarks.md.
"""

import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from page import keep, machine, table

SIMULATOR = pathlib.Path(__file__).parents[1] / "support/megabox_simulator.py"
PYTHON = "/usr/bin/python3"
ROUNDS, SECONDS, CLIENTS = 3, 5, 32
WATCHES, STREAMS = 1000, 50

APP = """
import json, pathlib
from flask import Flask, jsonify
app = Flask(__name__)
status = json.loads(pathlib.Path("status.json").read_text())
@app.get("/status")
def say():
    reply = jsonify(status)
    reply.headers["Access-Control-Allow-Origin"] = "*"
    return reply
"""

WATCH = """
[[watch]]
id = "w%d"
every = "%s"
dates = { next = 2 }
source = { preset = "megabox", branch = "7011" }
"""


def config(server, watches, every):
    head = ('version = 1\njob = "bench"\nstate = "bench.db"\n[http]\nlisten = "127.0.0.1:0"\n'
            f'[log]\nformat = "logfmt"\n[preset.megabox]\nserver = "{server}"\n')
    return head + "".join(WATCH % (index, every) for index in range(watches))


def wait_for(what, look, limit=120):
    end = time.monotonic() + limit
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            sys.exit(f"no {what} within {limit} s")
        time.sleep(0.05)


def get(port, path="/status"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    except OSError:
        return b""
    finally:
        connection.close()


def start_worker(worker, place, text):
    (place / "bench.toml").write_text(text)
    log = (place / "log").open("w")
    process = subprocess.Popen([worker, "--standalone", "--config", "bench.toml"], cwd=place,
                               stdout=log, stderr=log)
    said = wait_for("worker", lambda: re.search(r"serving http://127\.0\.0\.1:(\d+)",
                                                (place / "log").read_text()))
    return process, int(said[1])


def memory(process):  # of it and its children, MiB
    pids = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True,
                          text=True).stdout.split()
    total = 0
    for pid in [str(process.pid), *pids]:
        rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])
    return total / 1024


def wrk(port):
    text = subprocess.run(
        ["wrk", "-t1", f"-c{CLIENTS}", f"-d{SECONDS}s", "--latency",
         f"http://127.0.0.1:{port}/status"],
        capture_output=True, text=True, check=True).stdout
    unit = {"us": 0.001, "ms": 1, "s": 1000}
    value, name = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    failed = re.search(r"Socket errors: .*|Non-2xx.*", text)
    return (float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), float(value) * unit[name],
            failed[0] if failed else "")


def when_polled(status):
    return status if b'"lastCheck":"' in status else None


def end(process):
    process.send_signal(signal.SIGTERM)
    process.wait()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def rates(worker, server):
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        own, own_port = start_worker(worker, place, config(server, 1, "10s"))
        status = wait_for("tick", lambda: when_polled(get(own_port)))
        (place / "status.json").write_bytes(status)
        (place / "app.py").write_text(APP)
        quiet = {"cwd": place, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        flask_port, gunicorn_port = free_port(), free_port()
        flask = subprocess.Popen([PYTHON, "-m", "flask", "run", "--port", str(flask_port)], **quiet)
        gunicorn = subprocess.Popen(["/usr/bin/gunicorn", "-b", f"127.0.0.1:{gunicorn_port}",
                                     "-w", "2", "app:app"], **quiet)
        servers = [("worker", own, own_port), ("Flask's development server", flask, flask_port),
                   ("gunicorn, two processes", gunicorn, gunicorn_port)]
        for _, _, port in servers:
            wait_for("answer", lambda port=port: get(port))
        results = {name: [] for name, _, _ in servers}
        for _ in range(ROUNDS):
            for name, _, port in servers:
                results[name].append(wrk(port))
        rows = []
        for name, process, _ in servers:
            rate = statistics.median(one[0] for one in results[name])
            slow = statistics.median(one[1] for one in results[name])
            errors = "; ".join(sorted({one[2] for one in results[name] if one[2]})) or "none"
            rows.append([name, f"{rate:,.0f}", f"{slow:.1f}", f"{memory(process):.0f}", errors])
            end(process)
        return len(status), rows


def crowd(worker, server):
    """Memory with one watch, with many, and with many and streams; CPU of the last."""
    rows = []
    for watches in (1, WATCHES):
        with tempfile.TemporaryDirectory() as name:
            place = pathlib.Path(name)
            process, port = start_worker(worker, place, config(server, watches, "30s"))
            log = place / "log"
            wait_for("all polled", lambda: log.read_text().count("ev=tick.done") >= watches)
            rows.append([f"{watches:,}", "0", f"{memory(process):.1f}", ""])
            if watches == WATCHES:
                streams = []
                for _ in range(STREAMS):
                    connection = http.client.HTTPConnection("127.0.0.1", port)
                    connection.request("GET", "/api/v1/stream")
                    streams.append((connection, connection.getresponse()))
                stat = f"/proc/{process.pid}/stat"

                def cpu():
                    fields = pathlib.Path(stat).read_text().rsplit(")", 1)[1].split()
                    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                before, began = cpu(), time.monotonic()
                time.sleep(30)
                used = (cpu() - before) / (time.monotonic() - began)
                rows.append([f"{watches:,}", str(STREAMS), f"{memory(process):.1f}",
                             f"{used * 100:.0f} %"])
            end(process)
    return rows


def main():
    worker = os.path.abspath([word for word in sys.argv[1:] if word != "--write"][0])
    for program in ("wrk", "gunicorn"):
        if not shutil.which(program):
            sys.exit(f"{program} is not installed: apt-get install {program}")
    load = os.getloadavg()[0]
    simulator = subprocess.Popen(
        [PYTHON, "-B", SIMULATOR, "--port", "0", "--mode", "open", "--seed", "0",
         "--exit-with-stdin"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    server = re.search(r"http://[\d.:]+", simulator.stdout.readline())[0]
    try:
        size, rows = rates(worker, server)
        many = crowd(worker, server)
    finally:
        simulator.stdin.close()
        simulator.wait()
    text = "\n\n".join([
        "Written by `tests/bench/http_rate.py --write`.",
        f"`GET /status`, {size:,} bytes, {CLIENTS} connections of `wrk` on the same machine, "
        f"{ROUNDS} rounds of {SECONDS} s in turn, medians:",
        table(["server", "requests/s", "p99 ms", "memory MiB", "errors"], rows),
        "The worker's memory and CPU, each watch polled every 30 s:",
        table(["watches", "streams", "memory MiB", "CPU of one core"], many),
        "Memory is the proportional set size, with child processes.",
        machine(load)])
    print(text)
    if "--write" in sys.argv:
        keep({"The worker's HTTP server": text})


if __name__ == "__main__":
    main()
