"""Measures restart-on-save tools side by side; started by script/bench.

Every tool watches the same tree and runs the same worker (stamp.c), which writes the time of its
first statement. The time of a save is taken just before the write that is followed by the close.
Both are CLOCK_MONOTONIC. The tools take turns, a round each, so that whatever else the machine
does falls on all of them.
"""

import argparse
import datetime
import json
import math
import os
import pathlib
import platform
import random
import statistics
import subprocess
import tempfile
import time

from tool import (DIRECTORIES, FILES_PER_DIRECTORY, SAVED, Run, Tool, pss_mib, switches,
                  tool_processes)

MEMORY_TARGET_MIB = 12


class Series:
    """What one tool did in all of its rounds."""

    def __init__(self):
        self.ms = []
        self.overlaps = 0
        self.missed = 0
        self.extra = 0

    def median(self):
        return statistics.median(self.ms) if self.ms else math.nan

    def p95(self):
        if not self.ms:
            return math.nan
        return sorted(self.ms)[math.ceil(0.95 * len(self.ms)) - 1]


def measure(run, saves, gap, series):
    run.warm_up()
    time.sleep(random.uniform(*gap))
    for _ in range(saves):
        before = run.count()
        start = run.save()
        arrived = run.wait_for(before + 1, 5)
        time.sleep(random.uniform(*gap))
        if not arrived:
            series.missed += 1
            continue
        stamps = run.stamps()[before:]
        series.ms.append((stamps[0].ns - start) / 1e6)
        series.overlaps += any(stamp.overlap for stamp in stamps)
        series.extra += len(stamps) - 1


def measure_all(tools, rounds, saves, gap, scratch, say):
    result = {tool.name: Series() for tool in tools}
    for number in range(rounds):
        turn = number % len(tools)
        for tool in tools[turn:] + tools[:turn]:
            say(f"round {number + 1} of {rounds}: {tool.name}")
            with tempfile.TemporaryDirectory(dir=scratch) as directory:
                with Run(tool, pathlib.Path(directory)) as run:
                    measure(run, saves, gap, result[tool.name])
    return result


def measure_idle(tools, seconds, scratch, say):
    result = {}
    for tool in tools:
        say(f"idle: {tool.name}")
        with tempfile.TemporaryDirectory(dir=scratch) as directory:
            with Run(tool, pathlib.Path(directory)) as run:
                run.warm_up()
                time.sleep(2)
                pids = tool_processes(run.process.pid)
                before = switches(pids)
                time.sleep(seconds)
                result[tool.name] = (pss_mib(pids), switches(pids) - before, len(pids))
    return result


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().splitlines()[0]


def last_word(text):
    return text.split()[-1].lstrip("v")


def tool_list(build, node_modules):
    stamp = str(build / "tests/bench/stamp")
    supervisor = str(build / "supervisor/supervisor")

    def npm_version(name):
        return json.loads((node_modules / name / "package.json").read_text())["version"]

    watched = str(pathlib.PurePath(SAVED).parent)
    return [
        Tool("floor", "", [str(build / "tests/bench/floor"), watched, stamp], False),
        Tool("supervisor --watch", last_word(first_line(supervisor, "--version")),
             [supervisor, "--watch", "--state-dir", "{state}", "--", stamp], False),
        Tool("entr -nr", last_word(first_line("entr")), ["entr", "-nr", stamp], True),
        Tool("nodemon", npm_version("nodemon"),
             [str(node_modules / ".bin/nodemon"), "-q", "--watch", ".", "--ext", "*", "--delay",
              "0", "--signal", "SIGTERM", "--exec", stamp], False),
        Tool("onchange -k", npm_version("onchange"),
             [str(node_modules / ".bin/onchange"), "-i", "-k", "**/*", "--", stamp], False),
    ]


def table(header, rows):
    widths = [max(len(row[i]) for row in [header] + rows) for i in range(len(header))]

    def line(cells):
        padded = [cells[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:])]
        return "| " + " | ".join(padded) + " |"

    ruler = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    return "\n".join([line(header), line(ruler)] + [line(row) for row in rows])


def speed_table(tools, result):
    floor = result["floor"].median()
    rows = []
    for tool in tools:
        one = result[tool.name]
        done = len(one.ms)
        rows.append([tool.name, f"{one.median():.2f}", f"{one.p95():.2f}",
                     f"{one.median() / floor:.1f}", f"+{one.median() - floor:.2f}",
                     f"{one.overlaps}/{done}", str(one.extra), str(one.missed)])
    return table(["tool", "median ms", "p95 ms", "× floor", "over floor ms", "overlaps",
                  "extra starts", "missed"], rows)


def idle_table(tools, idle):
    rows = []
    for tool in tools:
        pss, woken, count = idle[tool.name]
        rows.append([tool.name, str(count), f"{pss:.1f}", str(woken)])
    return table(["tool", "processes", "PSS MiB", "wake-ups"], rows)


def report(tools, lone, stream, idle, options):
    pss, woken, _ = idle["supervisor --watch"]
    versions = [f"{tool.name.split()[0]} {tool.version}" for tool in tools if tool.version]
    versions.append(f"node {last_word(first_line('node', '--version'))}")
    saves = options.rounds * options.saves
    return "\n\n".join([
        f"Linux {platform.release().split('-')[0]}, {os.cpu_count()} CPUs, {datetime.date.today()}, "
        f"load average {options.load:.1f} before it began.\n"
        f"{', '.join(versions)}.",
        f"## From a save to the first statement of the new worker\n\n{saves} lone saves, "
        f"{options.gap[0]:.1f} to {options.gap[1]:.1f} s apart:",
        speed_table(tools, lone),
        "`floor` is tests/bench/floor.c: inotify, TERM, wait, spawn and nothing else. An overlap\n"
        "is a new worker that ran its first statement while the one before it was still alive.\n"
        "An extra start is a second restart for the same save.",
        f"## Saves in quick succession\n\n{options.stream_rounds * options.saves} saves, "
        f"{options.stream_gap[0]:.1f} to {options.stream_gap[1]:.1f} s apart, as\n"
        "somebody saves who is trying something out:",
        speed_table(tools, stream),
        f"## Idle\n\nThe tool's own processes, without the worker; wake-ups in {options.idle} "
        "seconds:",
        idle_table(tools, idle),
        f"Supervisor and warden together: {pss:.1f} MiB of the {MEMORY_TARGET_MIB} MiB they may "
        f"use, {woken} wake-ups\nof the 0 they should have.",
    ])


DOCUMENT = """# Benchmarks

Written by `script/bench --write`; run it to see the figures of your machine.

Every tool watches the same {count} small files in {directories} directories and runs the same
worker, a C program that notes the time as its first act. One file is overwritten and closed; the
clock starts before the write. The tools take turns in rounds.

"""


def main():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--node-modules", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help="keep it in docs/benchmarks.md")
    parser.add_argument("--quick", action="store_true", help="one short round")
    options = parser.parse_args()
    options.rounds, options.saves, options.stream_rounds, options.idle = 5, 10, 2, 10
    if options.quick:
        options.rounds, options.saves, options.stream_rounds, options.idle = 1, 5, 1, 3
    # Lone: the tools that wait after a restart have stopped waiting.
    options.gap, options.stream_gap = (1.1, 1.4), (0.3, 0.6)

    options.load = os.getloadavg()[0]  # a machine that is busy tells other figures
    tools = tool_list(options.build.resolve(), options.node_modules.resolve())

    def say(text):
        if os.isatty(2):
            os.write(2, f"\r\033[K{text}".encode())

    with tempfile.TemporaryDirectory(prefix="oneloop-bench-") as scratch:
        lone = measure_all(tools, options.rounds, options.saves, options.gap, scratch, say)
        stream = measure_all(tools, options.stream_rounds, options.saves, options.stream_gap,
                             scratch, say)
        idle = measure_idle(tools, options.idle, scratch, say)
    say("")
    text = report(tools, lone, stream, idle, options)
    print(text)
    if options.write:
        head = DOCUMENT.format(count=DIRECTORIES * FILES_PER_DIRECTORY, directories=DIRECTORIES)
        (pathlib.Path(__file__).parents[2] / "docs/benchmarks.md").write_text(head + text + "\n")


if __name__ == "__main__":
    main()
