"""One tool at work: its tree of files, its worker's stamps and what it costs; for bench.py."""

import os
import pathlib
import random
import signal
import subprocess
import time
from collections import namedtuple

RECORD = 34  # bytes of one record of stamp.c
SAVED = "d07/f03.txt"

# `directories` with `files` in each.
Size = namedtuple("Size", "directories files")
USUAL = Size(20, 10)

Stamp = namedtuple("Stamp", "ns pid overlap")
# command: argv, "{state}" stands for a directory of its own. stdin: it wants the list of files.
Tool = namedtuple("Tool", "name version command stdin", defaults=(False,))


def read_text(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


def comm(pid):
    return read_text(f"/proc/{pid}/comm").strip()


def children(pid):
    return [int(child) for child in read_text(f"/proc/{pid}/task/{pid}/children").split()]


def tool_processes(pid):
    """The tool's own processes: its tree without the worker's."""
    if comm(pid) == "stamp":
        return []
    return [pid] + [p for child in children(pid) for p in tool_processes(child)]


def workers_of(stamps_path):
    """Workers that their tool left behind, known by the file that is theirs alone."""
    mine = f"ONELOOP_BENCH_STAMPS={stamps_path}\0"
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    return [pid for pid in pids
            if comm(pid) == "stamp" and mine in read_text(f"/proc/{pid}/environ")]


def pss_mib(pids):
    kib = 0
    for pid in pids:
        for line in read_text(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                kib += int(line.split()[1])
    return kib / 1024


def switches(pids):
    """Context switches of all threads: how often something of the tool was put on a CPU."""
    total = 0
    for pid in pids:
        for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
            for line in read_text(status).splitlines():
                if "ctxt_switches" in line:
                    total += int(line.split()[1])
    return total


class Run:
    """One tool, running in a tree of its own, until the end of the with block."""

    def __init__(self, tool, directory, size=USUAL):
        self.tool = tool
        self.size = size
        self.tree = directory / "tree"
        self.stamps_path = directory / "stamps"
        self.stamps_path.touch()
        self.saves = 0
        for number in range(size.directories):
            (self.tree / f"d{number:02}").mkdir(parents=True)
            for file in range(size.files):
                (self.tree / f"d{number:02}" / f"f{file:02}.txt").write_text(f"1{0:011}\n")
        self.log = (directory / "log").open("wb")
        environment = dict(os.environ, ONELOOP_BENCH_STAMPS=str(self.stamps_path))
        self.began = time.monotonic_ns()
        self.process = subprocess.Popen(
            [part.replace("{state}", str(directory / "state")) for part in tool.command],
            cwd=self.tree, env=environment, stdin=subprocess.PIPE if tool.stdin else
            subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        if tool.stdin:
            files = sorted(str(path.relative_to(self.tree)) for path in self.tree.glob("*/*"))
            try:
                self.process.stdin.write("".join(f"{file}\n" for file in files).encode())
                self.process.stdin.close()
            except BrokenPipeError:
                pass  # it has given up; seen when it starts no worker

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # the session that was made for it
        except ProcessLookupError:
            pass
        self.process.wait()
        for pid in workers_of(self.stamps_path):
            os.kill(pid, signal.SIGKILL)
        self.log.close()

    def stamps(self):
        lines = self.stamps_path.read_text().splitlines()
        return [Stamp(*map(int, line.split())) for line in lines]

    def count(self):
        return self.stamps_path.stat().st_size // RECORD

    def wait_for(self, count, seconds):
        """True when there are `count` stamps. Looks seldom: the time is in the stamp itself."""
        end = time.monotonic() + seconds
        while self.count() < count:
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True

    def overwrite(self, path):
        """New content of the same size, a JavaScript program too; returns the time of it."""
        self.saves += 1
        text = f"1{self.saves:011}\n".encode()
        fd = os.open(path, os.O_WRONLY)
        start = time.monotonic_ns()
        os.write(fd, text)
        os.close(fd)
        return start

    def save(self):
        """One file; returns the time of it."""
        # In turn: one file that changes after each start looks like the worker's own write.
        return self.overwrite((self.tree / SAVED).parent / f"f{self.saves % self.size.files:02}.txt")

    def save_somewhere(self):
        """One file of any directory; returns the time of it."""
        directory = random.randrange(self.size.directories)
        return self.overwrite(self.tree / f"d{directory:02}" / "f00.txt")

    def save_all(self):
        """Every file, as fast as they can be written; returns the times of the first and last."""
        times = [self.overwrite(path) for path in sorted(self.tree.glob("*/*"))]
        return times[0], times[-1]

    def warm_up(self):
        """Until a save restarts the worker: scripts need a moment before they watch."""
        if not self.wait_for(1, 20):
            raise SystemExit(f"{self.tool.name}: does not start its worker\n{self.output()}")
        time.sleep(1.5)
        for _ in range(3):
            before = self.count()
            self.save()
            if self.wait_for(before + 1, 5):
                return
        raise SystemExit(f"{self.tool.name}: does not react to a save\n{self.output()}")

    def output(self):
        self.log.flush()
        return read_text(self.log.name)
