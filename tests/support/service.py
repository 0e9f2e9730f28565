"""A machine in which oneloop is installed, with a cinema and a mail server beside it.

    service.run(__file__, test cases)      from the command line: BUILD SOURCE [names of tests...]
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import booted

BUILD, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
WORKER = "/usr/libexec/oneloop/worker"
TOOLS = "/opt/tools"  # in the machine: tests/support and the probe worker
CONFIG = """version = 1
job = "cinema"
timezone = "Asia/Seoul"
[preset.megabox]
server = "http://127.0.0.1:8377"
[[channel]]
id = "me"
kind = "smtp"
url = "smtp://127.0.0.1:{mail}"
tls = "off"
from = "oneloop <me@example.com>"
to = ["me@example.com"]
{channel}
[[watch]]
id = "daegu"
every = "1s"
dates = {{ next = 3 }}
channels = ["me"]
source = {{ preset = "megabox", branch = "7011" }}
"""


def is_our_worker(program, line):
    return program == WORKER and "--check" not in line


def install(into):
    """As a package would do it."""
    subprocess.run(["cmake", "--install", BUILD, "--prefix", "/usr"], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, "DESTDIR": str(into)})


def new_disk(root="/", with_programs=True):
    disk = booted.Disk(root)
    support = SOURCE / "tests/support"
    for name in ("megabox_simulator.py", "megabox_story.py", "smtp_script.py", "http_worker.py"):
        disk.put(support / name, f"{TOOLS}/{name}")
    if with_programs:
        staged = pathlib.Path(tempfile.mkdtemp(prefix="oneloop-install-"))
        try:
            install(staged)
            disk.put(staged / "usr", "/")
        finally:
            shutil.rmtree(staged)
        disk.put(BUILD / "tests/probe_worker", f"{TOOLS}/probe_worker")
    return disk


class Census(threading.Thread):
    """Counts all the time how many generations of workers a unit has at once: `most`."""

    def __init__(self, machine, unit, is_worker):
        super().__init__(daemon=True)
        self.machine, self.is_worker = machine, is_worker
        slice_of = "system.slice/" + (f"system-{unit.split('@')[0]}.slice/" if "@" in unit else "")
        self.group = slice_of + unit
        self.most, self.looks, self.over = 0, 0, False

    def run(self):
        while not self.over:
            generations = {variables.get("ONELOOP_GENERATION") for _, program, variables, line
                           in self.machine.processes(self.group) if self.is_worker(program, line)}
            self.most = max(self.most, len(generations))
            self.looks += 1
            time.sleep(0.001)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        self.over = True
        self.join()


class Service:
    """What the tests do with a machine in which oneloop is."""

    def __init__(self, machine):
        self.machine = machine
        self.beside = []
        self.mail_port = None

    def prepare(self):
        self.machine.run("systemd-sysusers", "oneloop.conf")
        self.machine.run("systemd-tmpfiles", "--create", "oneloop.conf")
        self.machine.run("systemctl", "daemon-reload")

    def start_cinema(self):
        cinema = self.beside_us("python3", f"{TOOLS}/megabox_simulator.py", "--port", "8377", "--mode",
                                "open", "--seed", "1", "--exit-with-stdin")
        assert "listening" in cinema.stdout.readline()

    def start_mail(self, mode="accept"):
        self.write("/opt/mail-mode", mode)
        server = self.beside_us("python3", f"{TOOLS}/smtp_script.py", "/var/mail-journal", "/opt/mail-mode")
        self.mail_port = int(server.stdout.readline())

    def beside_us(self, *words):
        process = self.machine.start(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.beside.append(process)
        return process

    def close(self):
        for process in self.beside:
            process.stdin.close()
            process.wait(10)
            process.stdout.close()

    def configure(self, channel="", more=""):
        self.write("/etc/oneloop/oneloop.toml",
                   CONFIG.format(mail=self.mail_port, channel=channel) + more)

    def write(self, path, text):
        target = self.machine.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(0o644)

    def read(self, path):
        try:
            return self.machine.path(path).read_text()
        except OSError:
            return ""

    def accepted(self):
        """Message-IDs in the order in which the mail server has taken the mails."""
        return re.findall(r"^accepted \S+ (\S+)", self.read("/var/mail-journal"), re.M)

    def get(self, path, port=5000, limit=20):
        """(exit code of curl, status, body)"""
        done = subprocess.run(
            self.machine.command(["curl", "-s", "-m", str(limit), "-w", "\n%{http_code}",
                                  f"http://127.0.0.1:{port}{path}"]),
            capture_output=True, text=True, check=False)
        body, _, status = done.stdout.rpartition("\n")
        return done.returncode, int(status or 0), body

    def pids(self, unit, kind):
        """Of one kind: supervisor, warden, worker, other."""
        return [pid for pid, program, _, line in self.machine.processes(unit)
                if kind_of(program, line) == kind]

    def generation(self, unit):
        found = [int(variables["ONELOOP_GENERATION"]) for _, program, variables, line
                 in self.machine.processes(unit) if kind_of(program, line) == "worker"
                 and "ONELOOP_GENERATION" in variables]
        return max(found, default=0)

    def wait_active(self, unit, limit=20):
        return booted.wait_until(lambda: self.machine.show(unit, "ActiveState") == "active", limit)


def kind_of(program, line):
    name = pathlib.PurePath(program).name
    if name == "supervisor":
        return "supervisor"
    if "warden" in line.split(" ")[0]:
        return "warden"
    if line.startswith("escapee") or "--check" in line:
        return "other"
    return "worker" if name in ("worker", "probe_worker") or "http_worker" in line else "other"


def run_tests(*cases):
    """All tests of `cases`, or those that the command line names. For booted.inside."""
    names = sys.argv[3:]
    suite = unittest.TestSuite()
    for case in cases:
        for test in unittest.defaultTestLoader.loadTestsFromTestCase(case):
            if not names or any(name in test.id() for name in names):
                suite.addTest(test)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    return 0 if result.wasSuccessful() and result.testsRun > 0 else 1
