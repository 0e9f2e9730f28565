#!/usr/bin/env python3
"""Measures what watching a large tree costs: the time until it is armed, memory, wake-ups when idle.

    tests/bench/watch_size.py [--write] SUPERVISOR [DIRECTORIES [FILES [IGNORED]]]

Not a test: it prints; with --write it keeps its tables in docs/benchmarks.md. The tree is made below
the system's temporary directory and removed.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from page import keep, machine, table

IDLE = 20  # seconds


def make_tree(root, directories, files, ignored):
    for index in range(directories):
        directory = root / f"d{index // 100}" / f"e{index % 100}"
        directory.mkdir(parents=True)
        for number in range(files // directories):
            (directory / f"module_{number}.py").write_text(f"value = {index * number}\n")
    for index in range(max(1, ignored // 1000) if ignored else 0):
        directory = root / "node_modules" / f"p{index}"
        directory.mkdir(parents=True)
        for number in range(1000):
            (directory / f"f{number}.js").touch()


def status(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in text.splitlines())
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return {"rss": int(fields["VmRSS"].split()[0]) / 1024,
            "wakes": int(fields["voluntary_ctxt_switches"]),
            "cpu": (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")}


def ran(pid):  # on a CPU, in seconds
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def wait_for(console, text, limit=120):
    end = time.monotonic() + limit
    while text not in console.read_text():
        if time.monotonic() > end:
            sys.exit(f"no '{text}' within {limit}s:\n{console.read_text()}")
        time.sleep(0.001)
    return time.monotonic()


def measure(supervisor, directories, files, ignored):
    with tempfile.TemporaryDirectory() as scratch:
        root, console = pathlib.Path(scratch) / "tree", pathlib.Path(scratch) / "console"
        make_tree(root, directories, files, ignored)
        time.sleep(0.1)  # nothing of it is younger than a tick of the file system's clock
        armed = []
        for _ in range(5):
            with console.open("w") as out:
                began = time.monotonic()
                process = subprocess.Popen(
                    [supervisor, "--watch", "-v", "--isolate", "subreaper", "--state-dir",
                     f"{scratch}/state", "--", "sleep", "1000"], cwd=root, stderr=out, stdout=out)
            armed.append((wait_for(console, "] watching ") - began, ran(process.pid)))
            wait_for(console, " (generation ")
            if len(armed) < 5:
                process.send_signal(signal.SIGTERM)
                process.wait()
        known = wait_for(console, "content of the watched files is known") - began
        wait_for(console, "compared ")
        before = status(process.pid)
        time.sleep(IDLE)
        after = status(process.pid)
        began = time.monotonic()
        (root / "d0" / "e0" / "module_0.py").write_text("other\n")
        restarted = wait_for(console, "changed: ") - began
        process.send_signal(signal.SIGTERM)
        process.wait()
    armed.sort()
    cpu = sorted(one for _, one in armed)
    return [f"{files:,} in {directories:,}", f"{ignored:,}",
            f"{armed[2][0] * 1000:.0f}", f"{armed[0][0] * 1000:.0f}", f"{cpu[2] * 1000:.0f}",
            f"{after['rss']:.1f}", f"{known:.1f}", f"{before['cpu']:.1f}",
            str(after["wakes"] - before["wakes"]), f"{restarted * 1000:.1f}"]


def main():
    words = [word for word in sys.argv[1:] if word != "--write"]
    supervisor, numbers = os.path.abspath(words[0]), [int(word) for word in words[1:]]
    load = os.getloadavg()[0]
    sizes = [(10_000, 100_000, 0), (2_000, 20_000, 200_000)]
    if numbers:
        sizes = [tuple(numbers + [10_000, 100_000, 0][len(numbers):])]
    text = ("Written by `tests/bench/watch_size.py --write`.\n\n"
            + table(["files in directories", "ignored", "armed ms, median of 5", "best", "CPU ms",
                     "RSS MiB", "all read after s", "CPU s until then",
                     f"wake-ups in {IDLE} s", "edit to restart ms"],
                    [measure(supervisor, *size) for size in sizes])
            + "\n\nArmed: from the start of the program. Then each file is read once, in pauses: "
            "a fifth of one core.\nIgnored directories get no watch and are not read.\n\n" + machine(load))
    print(text)
    if "--write" in sys.argv:
        keep({"Large trees, the supervisor alone": text})


if __name__ == "__main__":
    main()
