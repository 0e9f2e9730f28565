"""What is measured of each tool: lone saves, bursts, a large tree, and idling."""

import math
import pathlib
import random
import statistics
import tempfile
import time
from collections import namedtuple

from tool import Run, Size, pss_mib, switches, tool_processes

BURST = Size(91, 11)  # 1,001 files
LARGE = Size(10_000, 10)
ANSWER = 0.4  # seconds until a save counts as not noticed: longer than any of these tools waits for a burst to end
APART = 0.3  # seconds between a restart and the next save
STREAK = 5  # saves in a row that are noticed: one that is may lie in a directory that came early
PATIENCE = 30  # seconds for the first start after a burst: some work through it file by file

Burst = namedtuple("Burst", "starts stale ms")  # ms: from the last write to the last start
Armed = namedtuple("Armed", "seconds mib")


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


class Scene:
    """One after the other, each in a tree of its own."""

    def __init__(self, scratch, say):
        self.scratch = scratch
        self.say = say

    def each(self, tools, title, play, size=None):
        result = {}
        for tool in tools:
            self.say(f"{title}: {tool.name}")
            with tempfile.TemporaryDirectory(dir=self.scratch) as directory:
                arguments = [size] if size else []
                with Run(tool, pathlib.Path(directory), *arguments) as run:
                    result[tool.name] = play(run)
        return result


def save_often(run, saves, gap, series):
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


def saves(scene, tools, rounds, count, gap):
    """The tools take turns, a round each: what else the machine does falls on all of them."""
    result = {tool.name: Series() for tool in tools}
    for number in range(rounds):
        turn = number % len(tools)
        scene.each(tools[turn:] + tools[:turn], f"round {number + 1} of {rounds}",
                   lambda run: save_often(run, count, gap, result[run.tool.name]))
    return result


def wait_until_quiet(run, seconds):
    count, since = run.count(), time.monotonic()
    while time.monotonic() - since < seconds:
        time.sleep(0.01)
        if run.count() != count:
            count, since = run.count(), time.monotonic()
    return count


def burst(run, times):
    run.warm_up()
    result = []
    for _ in range(times):
        before = wait_until_quiet(run, 3)
        _, last = run.save_all()
        run.wait_for(before + 1, PATIENCE)
        after = wait_until_quiet(run, 3)
        end = run.stamps()[-1].ns
        stale = after == before or end < last  # the last state does not run
        result.append(Burst(after - before, stale, (end - last) / 1e6))
    return result


def bursts(scene, tools, times):
    return scene.each(tools, "burst", lambda run: burst(run, times), BURST)


def arm(run, limit):
    """Until saves anywhere restart the worker: from the start of the tool."""
    end = time.monotonic() + limit
    noticed = []
    while time.monotonic() < end and run.process.poll() is None:
        before = run.count()
        if not before:
            time.sleep(0.005)
            continue
        run.save_somewhere()
        if not run.wait_for(before + 1, ANSWER):
            noticed.clear()
            continue
        # The next is a lone save again: one that comes at once is the second of a stream, and waits by design.
        time.sleep(APART)
        noticed.append(run.stamps()[before].ns)
        if len(noticed) == STREAK:
            seconds = (noticed[0] - run.began) / 1e9
            return Armed(seconds, pss_mib(tool_processes(run.process.pid)))
    return None


def arming(scene, tools, limit):
    return scene.each(tools, "large tree", lambda run: arm(run, limit), LARGE)


def idle_of(run, seconds):
    run.warm_up()
    time.sleep(2)
    pids = tool_processes(run.process.pid)
    before = switches(pids)
    time.sleep(seconds)
    return pss_mib(pids), switches(pids) - before, len(pids)


def idle(scene, tools, seconds):
    return scene.each(tools, "idle", lambda run: idle_of(run, seconds))
