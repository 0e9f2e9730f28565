"""Measures restart-on-save tools side by side; started by script/bench.

Every tool watches the same tree and runs the same worker (stamp.c), which writes the time of its
first statement. The time of a save is taken just before the write that is followed by the close.
Both are CLOCK_MONOTONIC.
"""

import argparse
import os
import pathlib
import statistics
import tempfile
from collections import namedtuple

import page
import peers
import scenes
from page import table
from tool import USUAL

MEMORY_TARGET_MIB = 12


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


def lone_text(seen, tools, pairs, options):
    return "\n\n".join([
        f"{options.rounds * options.saves} lone saves, {options.gap[0]:.1f} to "
        f"{options.gap[1]:.1f} s apart:",
        speed_table(tools, seen),
        "`floor` is tests/bench/floor.c: inotify, TERM, wait, spawn and nothing else. An overlap\n"
        "is a new worker that ran its first statement while the one before it was still alive.\n"
        "An extra start is a second restart for the same save."])


def stream_text(seen, tools, pairs, options):
    return "\n\n".join([
        f"{options.stream_rounds * options.saves} saves, {options.stream_gap[0]:.1f} to "
        f"{options.stream_gap[1]:.1f} s apart, as\nsomebody saves who is trying something out:",
        speed_table(tools, seen)])


def language_text(seen, tools, pairs, options):
    return "\n\n".join([
        "The same worker as a program of that language, which takes its time to start; below each\n"
        "reloader the supervisor with the same program. "
        f"{options.saves * options.language_rounds} lone saves:",
        language_table(pairs, seen)])


def burst_text(seen, tools, pairs, options):
    return "\n\n".join([
        f"{options.bursts} times, as a checkout of another branch does. One start is enough, after "
        "the last write.\nnodemon has its usual delay of a second here; with none it restarts for "
        "each file.\nEither way it lists the machine's processes for each file, as onchange does, "
        f"and is busy with that.\nA dash: no start within {scenes.PATIENCE} s.",
        burst_table(tools[1:], seen)])


def arming_text(seen, tools, pairs, options):
    return "\n\n".join([
        f"{scenes.LARGE.directories * scenes.LARGE.files:,} files in "
        f"{scenes.LARGE.directories:,} directories; saves all over the tree begin when the worker\n"
        f"runs, one at a time, for {options.arming} seconds at most. Armed: the first of "
        f"{scenes.STREAK} in a row that each restart it.",
        arming_table(tools[1:], seen)])


def idle_text(seen, tools, pairs, options):
    pss, woken, _ = seen["supervisor --watch"]
    return "\n\n".join([
        f"The tool's own processes, without the worker; wake-ups in {options.idle} seconds:",
        idle_table(tools, seen),
        f"Supervisor and warden together: {pss:.1f} MiB of the {MEMORY_TARGET_MIB} MiB they may "
        f"use, {woken} wake-ups\nof the 0 they should have."])


Part = namedtuple("Part", "heading measure text")
PARTS = {
    "lone": Part("From a save to the first statement of the new worker",
                 lambda scene, tools, pairs, options:
                 scenes.saves(scene, tools, options.rounds, options.saves, options.gap),
                 lone_text),
    "stream": Part("Saves in quick succession",
                   lambda scene, tools, pairs, options:
                   scenes.saves(scene, tools, options.stream_rounds, options.saves,
                                options.stream_gap),
                   stream_text),
    "language": Part("Reloaders of one language",
                     lambda scene, tools, pairs, options:
                     scenes.saves(scene, [tool for pair in pairs for tool in pair],
                                  options.language_rounds, options.saves, options.gap),
                     language_text),
    "burst": Part(f"{scenes.BURST.directories * scenes.BURST.files:,} files written at once",
                  lambda scene, tools, pairs, options:
                  scenes.bursts(scene, [peers.as_delivered(tool) for tool in tools[1:]],
                                options.bursts),
                  burst_text),
    "arming": Part("A large tree",
                   lambda scene, tools, pairs, options:
                   scenes.arming(scene, tools[1:], options.arming),
                   arming_text),
    "idle": Part("Idle",
                 lambda scene, tools, pairs, options: scenes.idle(scene, tools, options.idle),
                 idle_text),
}

DOCUMENT = """# Benchmarks

Written by `script/bench --write`; run it to see the figures of your machine.

Every tool watches the same {count} small files in {directories} directories and runs the same
worker, a C program that notes the time as its first act. One file is overwritten and closed; the
clock starts before the write. The tools take turns in rounds.

{versions}.

"""


def measure(names, tools, pairs, options):
    """The text of each part by its heading."""
    def say(text):
        if os.isatty(2):
            os.write(2, f"\r\033[K{text}".encode())

    result = {}
    with tempfile.TemporaryDirectory(prefix="oneloop-bench-") as scratch:
        scene = scenes.Scene(scratch, say)
        for name in names:
            part, load = PARTS[name], os.getloadavg()[0]
            seen = part.measure(scene, tools, pairs, options)
            text = part.text(seen, tools, pairs, options)
            result[part.heading] = f"{text}\n\n{page.machine(load)}"
    say("")
    return result


def main():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--node-modules", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help="keep it in docs/benchmarks.md")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART",
                        help=f"{', '.join(PARTS)}; may be repeated")
    parser.add_argument("--quick", action="store_true", help="one short round")
    options = parser.parse_args()
    options.rounds, options.saves, options.stream_rounds, options.idle = 3, 10, 2, 10
    options.language_rounds, options.bursts, options.arming = 2, 3, 30
    if options.quick:
        options.rounds, options.saves, options.stream_rounds, options.idle = 1, 5, 1, 3
        options.language_rounds, options.bursts, options.arming = 1, 1, 15
    # Lone: the tools that wait after a restart have stopped waiting.
    options.gap, options.stream_gap = (1.1, 1.4), (0.3, 0.6)

    build = options.build.resolve()
    tools = peers.any_program(build, options.node_modules.resolve())
    pairs = peers.own_language(build)
    everyone = tools + [pair[0] for pair in pairs]
    versions = ", ".join(f"{tool.name} {tool.version}" for tool in everyone if tool.version)
    sections = measure(options.only or list(PARTS), tools, pairs, options)
    print("\n\n".join(f"## {heading}\n\n{text}" for heading, text in sections.items()))
    if options.write:
        page.keep(sections, DOCUMENT.format(count=USUAL.directories * USUAL.files,
                                            directories=USUAL.directories, versions=versions))


if __name__ == "__main__":
    main()
