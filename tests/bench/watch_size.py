#!/usr/bin/env python3
"""Measures what watching a large tree costs: the time until it is armed, memory, wake-ups when idle.

    tests/bench/watch_size.py build/release/supervisor/supervisor [DIRECTORIES [FILES [IGNORED]]]

Not a test: it prints. The tree is made below the system's temporary directory and removed.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time


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


def wait_for(console, text, limit=120):
    end = time.monotonic() + limit
    while text not in console.read_text():
        if time.monotonic() > end:
            sys.exit(f"no '{text}' within {limit}s:\n{console.read_text()}")
        time.sleep(0.001)
    return time.monotonic()


def main():
    supervisor = os.path.abspath(sys.argv[1])
    numbers = [int(word) for word in sys.argv[2:]] + [10000, 100000, 0][len(sys.argv) - 2:]
    directories, files, ignored = numbers
    with tempfile.TemporaryDirectory() as scratch:
        root, console = pathlib.Path(scratch) / "tree", pathlib.Path(scratch) / "console"
        make_tree(root, directories, files, ignored)
        time.sleep(0.1)  # nothing of it is younger than a tick of the file system's clock
        with console.open("w") as out:
            began = time.monotonic()
            process = subprocess.Popen(
                [supervisor, "--watch", "-v", "--isolate", "subreaper", "--state-dir",
                 f"{scratch}/state", "--", "sleep", "1000"], cwd=root, stderr=out, stdout=out)
        armed = wait_for(console, "] watching ") - began
        started = wait_for(console, "started (generation 1)") - began
        at_start = status(process.pid)
        known = wait_for(console, "content of the watched files is known") - began
        wait_for(console, "compared ")
        before = status(process.pid)
        idle = 20
        time.sleep(idle)
        after = status(process.pid)
        began = time.monotonic()
        (root / "d0" / "e0" / "module_0.py").write_text("other\n")
        restarted = wait_for(console, "started (generation 2)") - began
        process.send_signal(signal.SIGTERM)
        process.wait()
        print([line for line in console.read_text().splitlines() if "] watching" in line][0])
        print(f"armed after {armed * 1000:.0f} ms, worker started after {started * 1000:.0f} ms")
        print(f"content known after {known:.1f} s, with {before['cpu']:.2f} s of CPU in all")
        print(f"memory {at_start['rss']:.1f} MiB at the start, {after['rss']:.1f} MiB later")
        print(f"idle: {(after['wakes'] - before['wakes'])} wake-ups and "
              f"{after['cpu'] - before['cpu']:.2f} s of CPU in {idle} s")
        print(f"an edit is a new worker after {restarted * 1000:.1f} ms")


main()
