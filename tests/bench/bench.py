"""Measures restart-on-save tools side by side; started by script/bench.

Every tool watches the same tree and runs the same worker (stamp.c), which writes the time of its
first statement. The time of a save is taken just before the write that is followed by the close.
Both are CLOCK_MONOTONIC.
"""

import argparse
import datetime
import os
import pathlib
import platform
import statistics
import tempfile

import peers
import scenes
from tool import USUAL

MEMORY_TARGET_MIB = 12
LARGE_TREES = "\n## Large trees, the supervisor alone\n"  # written by watch_size.py


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
        rows.append([tool.name, f"{one.median():.2f}", f"{one.p95():.2f}",
                     f"{one.median() / floor:.1f}", f"+{one.median() - floor:.2f}",
                     f"{one.overlaps}/{len(one.ms)}", str(one.extra), str(one.missed)])
    return table(["tool", "median ms", "p95 ms", "× floor", "over floor ms", "overlaps",
                  "extra starts", "missed"], rows)


def language_table(pairs, result):
    rows = []
    for pair in pairs:
        ours = result[pair[1].name].median()
        for tool in pair:
            one = result[tool.name]
            rows.append([tool.name, f"{one.median():.0f}", f"{one.p95():.0f}",
                         f"{one.median() / ours:.1f}", str(one.extra), str(one.missed)])
    return table(["tool", "median ms", "p95 ms", "× supervisor", "extra starts", "missed"], rows)


def burst_table(tools, result):
    rows = []
    for tool in tools:
        all_of_it = result[tool.name]
        ms = [one.ms for one in all_of_it if one.starts]
        rows.append([tool.name, " ".join(str(one.starts) for one in all_of_it),
                     f"{statistics.median(ms):.1f}" if ms else "-",
                     str(sum(one.stale for one in all_of_it))])
    return table(["tool", "starts in each burst", "last write to last start, median ms",
                  "last state does not run"], rows)


def arming_table(tools, result):
    ours = result["supervisor --watch"]
    rows = []
    for tool in tools:
        one = result[tool.name]
        cells = [f"{one.seconds:.1f}", f"{one.seconds / ours.seconds:.1f}" if ours else "-",
                 f"{one.mib:.0f}"] if one else ["never", "-", "-"]
        rows.append([tool.name, *cells])
    return table(["tool", "start to the first save that restarts, s", "× supervisor", "PSS MiB"],
                 rows)


def idle_table(tools, idle):
    rows = []
    for tool in tools:
        pss, woken, count = idle[tool.name]
        rows.append([tool.name, str(count), f"{pss:.1f}", str(woken)])
    return table(["tool", "processes", "PSS MiB", "wake-ups"], rows)


def report(tools, pairs, seen, options):
    pss, woken, _ = seen["idle"]["supervisor --watch"]
    everyone = tools + [pair[0] for pair in pairs]
    versions = [f"{tool.name} {tool.version}" for tool in everyone if tool.version]
    count = options.rounds * options.saves
    rest = tools[1:]  # the floor watches one directory
    return "\n\n".join([
        f"Linux {platform.release().split('-')[0]}, {os.cpu_count()} CPUs, {datetime.date.today()}, "
        f"load average {options.load:.1f} before it began.\n"
        f"{', '.join(versions)}.",
        f"## From a save to the first statement of the new worker\n\n{count} lone saves, "
        f"{options.gap[0]:.1f} to {options.gap[1]:.1f} s apart:",
        speed_table(tools, seen["lone"]),
        "`floor` is tests/bench/floor.c: inotify, TERM, wait, spawn and nothing else. An overlap\n"
        "is a new worker that ran its first statement while the one before it was still alive.\n"
        "An extra start is a second restart for the same save.",
        f"## Saves in quick succession\n\n{options.stream_rounds * options.saves} saves, "
        f"{options.stream_gap[0]:.1f} to {options.stream_gap[1]:.1f} s apart, as\n"
        "somebody saves who is trying something out:",
        speed_table(tools, seen["stream"]),
        "## Reloaders of one language\n\nThe same worker as a program of that language, which "
        "takes its time to start; below each\nreloader the supervisor with the same program. "
        f"{options.saves * options.language_rounds} lone saves:",
        language_table(pairs, seen["language"]),
        f"## {scenes.BURST.directories * scenes.BURST.files:,} files written at once\n\n"
        f"{options.bursts} times, as a checkout of another branch does. One start is enough, after "
        "the last write.\nnodemon has its usual delay of a second here; with none it restarts for each "
        "file.\nEither way it lists the machine's processes for each file, as onchange does, and is "
        f"busy with that.\nA dash: no start within {scenes.PATIENCE} s.",
        burst_table(rest, seen["bursts"]),
        f"## A large tree\n\n{scenes.LARGE.directories * scenes.LARGE.files:,} files in "
        f"{scenes.LARGE.directories:,} directories; saves begin when the worker runs, ten a\n"
        f"second, for {options.arming} seconds at most:",
        arming_table(rest, seen["arming"]),
        f"## Idle\n\nThe tool's own processes, without the worker; wake-ups in {options.idle} "
        "seconds:",
        idle_table(tools, seen["idle"]),
        f"Supervisor and warden together: {pss:.1f} MiB of the {MEMORY_TARGET_MIB} MiB they may "
        f"use, {woken} wake-ups\nof the 0 they should have.",
    ])


DOCUMENT = """# Benchmarks

Written by `script/bench --write`; run it to see the figures of your machine.

Every tool watches the same {count} small files in {directories} directories and runs the same
worker, a C program that notes the time as its first act. One file is overwritten and closed; the
clock starts before the write. The tools take turns in rounds.

"""


def measure(tools, pairs, scratch, options):
    def say(text):
        if os.isatty(2):
            os.write(2, f"\r\033[K{text}".encode())

    scene = scenes.Scene(scratch, say)
    both = [tool for pair in pairs for tool in pair]
    seen = {
        "lone": scenes.saves(scene, tools, options.rounds, options.saves, options.gap),
        "stream": scenes.saves(scene, tools, options.stream_rounds, options.saves,
                               options.stream_gap),
        "language": scenes.saves(scene, both, options.language_rounds, options.saves, options.gap),
        "bursts": scenes.bursts(scene, [peers.as_delivered(tool) for tool in tools[1:]],
                                options.bursts),
        "arming": scenes.arming(scene, tools[1:], options.arming),
        "idle": scenes.idle(scene, tools, options.idle),
    }
    say("")
    return seen


def main():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--node-modules", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help="keep it in docs/benchmarks.md")
    parser.add_argument("--quick", action="store_true", help="one short round")
    options = parser.parse_args()
    options.rounds, options.saves, options.stream_rounds, options.idle = 3, 10, 2, 10
    options.language_rounds, options.bursts, options.arming = 2, 3, 30
    if options.quick:
        options.rounds, options.saves, options.stream_rounds, options.idle = 1, 5, 1, 3
        options.language_rounds, options.bursts, options.arming = 1, 1, 15
    # Lone: the tools that wait after a restart have stopped waiting.
    options.gap, options.stream_gap = (1.1, 1.4), (0.3, 0.6)

    options.load = os.getloadavg()[0]  # a machine that is busy tells other figures
    build = options.build.resolve()
    tools = peers.any_program(build, options.node_modules.resolve())
    pairs = peers.own_language(build)
    with tempfile.TemporaryDirectory(prefix="oneloop-bench-") as scratch:
        seen = measure(tools, pairs, scratch, options)
    text = report(tools, pairs, seen, options)
    print(text)
    if options.write:
        head = DOCUMENT.format(count=USUAL.directories * USUAL.files, directories=USUAL.directories)
        page = pathlib.Path(__file__).parents[2] / "docs/benchmarks.md"
        _, mark, rest = page.read_text().partition(LARGE_TREES)
        page.write_text(head + text + "\n" + mark + rest)


if __name__ == "__main__":
    main()
