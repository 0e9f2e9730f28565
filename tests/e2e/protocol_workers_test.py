"""The workers of docs/protocol.md, word for word as they stand there: protocol_workers_test.py BUILD SOURCE LANGUAGE..."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
LANGUAGES = sys.argv[3:]
sys.path.insert(0, str(SOURCE / "tests/support"))
from booted import wait_until  # noqa: E402

# The heading, the file's name, what makes a program of it, and the command that runs it.
KINDS = {
    "python": ("Python", "worker.py", None, ["/usr/bin/python3", "worker.py"]),
    "shell": ("shell", "worker.sh", None, ["sh", "worker.sh"]),
    "node": ("JavaScript", "worker.js", None, ["node", "worker.js"]),
    "go": ("Go", "worker.go", ["go", "build", "-o", "program", "worker.go"], ["./program"]),
    "rust": ("Rust", "worker.rs", ["rustc", "-o", "program", "worker.rs"], ["./program"]),
}


def example(heading):
    text = (SOURCE / "docs/protocol.md").read_text()
    section = re.search(rf"^## A worker in {heading}\n(.*?)(?=^## )", text, re.M | re.S).group(1)
    return re.search(r"^```\w+\n(.*?)^```$", section, re.M | re.S).group(1)


class Examples(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)

    def run_by_hand(self, command, **variables):
        return subprocess.run(command, cwd=self.place, env={**os.environ, **variables}, timeout=30,
                              check=False, capture_output=True, text=True)

    def check(self, language):
        heading, name, build, command = KINDS[language]
        (self.place / name).write_text(example(heading))
        if build:
            subprocess.run(build, cwd=self.place, check=True, env={
                **os.environ, "GOCACHE": str(self.place / "cache"), "GO111MODULE": "off"})

        self.refused(self.run_by_hand(command))
        # A flag and a descriptor that somebody copied, and a file of the right name that nobody locked for us.
        self.refused(self.run_by_hand(command, ONELOOP_RUN_MAIN="true", ONELOOP_LOCK_FD="1"))
        decoy = self.place / "worker.lock"
        decoy.write_text("instance=x\n")
        with open(decoy) as file:
            shown = subprocess.run(
                command, cwd=self.place, pass_fds=[file.fileno()], check=False, timeout=30, capture_output=True,
                text=True, env={**os.environ, "ONELOOP_RUN_MAIN": "true", "ONELOOP_INSTANCE": "y",
                                "ONELOOP_LOCK_FD": str(file.fileno())})
        self.refused(shown)

        console = self.place / "console"
        with open(console, "w") as out:
            supervisor = subprocess.Popen(
                [BUILD / "supervisor/supervisor", "--state-dir", self.place / "state", "--isolate", "subreaper",
                 "--", *command], cwd=self.place, stdout=out, stderr=subprocess.STDOUT)
        try:
            self.assertTrue(wait_until(lambda: "tick of generation 1 in pid" in console.read_text()),
                            console.read_text())
            # A second one by hand, with all that the first was given but the descriptor.
            self.refused(self.run_by_hand(command, ONELOOP_RUN_MAIN="true", ONELOOP_LOCK_FD="9"))
            supervisor.send_signal(10)  # SIGUSR1: the next one
            self.assertTrue(wait_until(lambda: "tick of generation 2 in pid" in console.read_text()),
                            console.read_text())
        finally:
            supervisor.terminate()
            supervisor.wait(20)
        self.assertNotIn("not polling", console.read_text())

    def refused(self, done):
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("not polling: ", done.stdout + done.stderr)


def test_of(language):
    return lambda self: self.check(language)


for one in LANGUAGES:
    setattr(Examples, f"test_{one}", test_of(one))

if __name__ == "__main__":
    if not LANGUAGES:
        sys.exit("which languages?")
    unittest.main(argv=sys.argv[:1], verbosity=2)
