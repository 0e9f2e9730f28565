"""What README and docs tell people to type: each command is run here or by the test that is named beside it, and what the README
shows of the console is what the console shows. And mandoc has nothing to say of the manual pages."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request

BUILD, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests/support"))
from booted import wait_until  # noqa: E402

DOCUMENTS = [SOURCE / "README.md", SOURCE / "README.ko.md", SOURCE / "CONTRIBUTING.md", *sorted((SOURCE / "docs").glob("*.md"))]

# A command, to its end or to "…", and the test that runs it. "here": below. "suite": it is how the tests themselves are built and
# run, in .ci/run from a clean checkout; and by fresh_machine_test, word for word.
RUN_BY = {
    "git clone … && cd oneloop": "here", "script/server": "here",
    "script/test": "suite", "script/test NAME": "suite",
    "script/bootstrap && script/build release supervisor warden": "suite",
    "sudo apt-get install -y python3-flask": "suite",
    "mkdir /tmp/try && cp docs/flask-demo/app.py /tmp/try": "here",
    "PATH=$PWD/build/release/supervisor:$PATH && cd /tmp/try": "here",
    "python3 app.py": "here", "supervisor --flask --watch -- python3 app.py": "here",
    "supervisor --flask --watch --if-running error -- python3 app.py": "here", "echo $?": "here",
    "supervisor doctor --flask -- python3 app.py": "here", "supervisor status": "here", "supervisor ps": "here",
    "supervisor --watch --if-running error --socket http=127.0.0.1:5000 -- worker --config oneloop.toml": "here",
    "script/bootstrap test": "suite", "script/build dev": "suite", "script/tidy": "suite",
    "worker --outbox": "alerts_test", "worker --resend …": "alerts_test", "worker --check": "worker_test",
    "worker --dry-run": "alerts_test", "worker --test-channel me": "alerts_test",
    "export …": "worker_test", "supervisor --watch -- worker": "here",
    "script/bootstrap && script/build release supervisor warden worker": "suite",
    "echo '{\"command\":\"ping\"}' | socat …": "control_test",
    "curl -N http://127.0.0.1:5000/api/…": "api_test", "TOKEN=$(worker --token …": "api_test", "curl -X POST …": "api_test",
    "journalctl -u oneloop …": "service_test", "script/package": "package_test",
    "sudo apt-get install ./build/package/oneloop_*.deb": "package_test", "sudo cmake --install …": "service_test",
    "sudo systemd-sysusers oneloop.conf": "service_test", "sudo systemd-tmpfiles --create oneloop.conf": "service_test",
    "sudo systemctl daemon-reload": "service_test", "sudo cp /usr/share/doc/oneloop/examples/oneloop.toml …": "install_test",
    "sudo systemctl start oneloop": "service_test", "systemctl status oneloop": "service_test",
    "sudo systemctl enable --now oneloop@bot": "instances_test", "systemctl --user enable --now oneloop@bot": "instances_test",
    "python3 worker.py": "protocol_workers_test", "ONELOOP_RUN_MAIN=true ONELOOP_LOCK_FD=1 python3 worker.py": "protocol_workers_test",
    "supervisor --watch -- python3 worker.py": "protocol_workers_test",
    "script/test …": "suite", "ONELOOP_CHROMIUM=… script/test page_test": "suite", "script/build …": "suite",
    "build/release/tests/exactly_one_test …": "exactly_one_test", "ctest --preset release …": "suite",
    "sudo python3 tests/e2e/instances_test.py …": "instances_test",
    "python3 tests/e2e/two_builds_test.py …": "two_builds_test",
    "sudo python3 tests/e2e/fresh_machine_test.py …": "fresh_machine_test", "ONELOOP_CHAOS_SEED=4711 …": "kill_supervisor_test",
    "ONELOOP_CHAOS_KILLS=10000 …": "kill_supervisor_test", "ONELOOP_FUZZ_SEED=4711 …": "reply_corpus_test",
    "script/fuzz": "suite",
}
# Scripts that stand there as a whole, by their first line; the examples are run by protocol_workers_test.
SCRIPTS = {"#!/bin/sh": "protocol_workers_test", "systemd-notify --ready --status=listening": "readiness_loop_test"}


def blocks(path, kinds):
    return re.findall(rf"^```({kinds})\n(.*?)^```$", path.read_text(), re.M | re.S)


def commands(path):
    for kind, body in blocks(path, "sh|console"):
        lines = [line for line in body.replace("\\\n", "").splitlines() if line.strip()]
        if kind == "sh" and lines[0] in SCRIPTS:
            continue
        for line in lines:
            if kind == "console" and not line.startswith("$ "):
                continue
            command = re.sub(r"\s+#.*", "", line.removeprefix("$ ")).strip()
            if command:
                yield command


def runner(command):
    for pattern, test in RUN_BY.items():
        begin, dots, end = pattern.partition("…")
        if command == pattern or dots and command.startswith(begin) and command.endswith(end):
            return test
    return None


class Documents(unittest.TestCase):
    def test_every_command_is_run_by_a_test_that_exists(self):
        tests = "".join(path.read_text() for path in (SOURCE / "tests").glob("*.cmake"))
        known = set(re.findall(r"\w+", tests))
        found = set()
        for path in DOCUMENTS:
            for command in commands(path):
                test = runner(command)
                self.assertIsNotNone(test, f"{path.name}: no test runs: {command}")
                found.add(test)
        self.assertGreater(len(found), 8)
        for test in found - {"here", "suite"}:
            self.assertTrue(test in known or test.removesuffix("_test") in known, test)
        self.assertIsNone(runner("sudo rm -rf /"), "the control")

    def test_what_is_cloned_has_what_the_next_lines_start(self):
        """From here: URL-OF-THIS-REPOSITORY is wherever you have found it."""
        if subprocess.run(["git", "rev-parse", "HEAD"], cwd=SOURCE, check=False, capture_output=True).returncode != 0:
            self.skipTest("this tree is no clone")
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        for number, readme in enumerate(DOCUMENTS[:2]):
            clone, server, test = list(commands(readme))[:3]
            url = re.fullmatch(r"git clone (\S+) oneloop && cd oneloop", clone).group(1)
            there = pathlib.Path(place.name, str(number))
            there.mkdir()
            line = clone.replace(url, f"file://{SOURCE.resolve()}")
            done = subprocess.run(["bash", "-c", f"{line} && test -x {server} && test -x {test} && git ls-tree -r HEAD"],
                                  cwd=there, check=False, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            tree = subprocess.run(["git", "ls-tree", "-r", "HEAD"], cwd=SOURCE, check=True, capture_output=True, text=True)
            self.assertEqual(done.stdout, tree.stdout)
        nothing = line.replace("file://", "file:///nothing")
        self.assertNotEqual(subprocess.run(["bash", "-c", nothing], cwd=place.name, check=False,
                                           capture_output=True).returncode, 0, "the control")

    def test_every_link_between_documents_leads_somewhere(self):
        for path in DOCUMENTS:
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
                self.assertTrue((path.parent / target).exists(), f"{path.name}: {target}")

    def test_mandoc_has_nothing_to_say(self):
        for page in sorted((SOURCE / "docs/man").glob("*.[1-9]")):
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], check=False,
                                  capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (0, ""), page.name)
        broken = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=".Sh nothing\n.Foo\n", text=True,
                                check=False, capture_output=True)
        self.assertNotEqual(broken.returncode, 0, "the control")

    def test_each_option_of_the_help_is_in_the_readme_and_in_the_manual(self):
        text = subprocess.run([BUILD / "supervisor/supervisor", "--help"], check=True, capture_output=True, text=True).stdout
        manual = (SOURCE / "docs/man/supervisor.1").read_text()
        options = set(re.findall(r"--([a-z][a-z-]+)", text))
        self.assertGreater(len(options), 30)
        for option in sorted(options):
            for name in ("README.md", "README.ko.md"):
                self.assertIn(f"--{option}", (SOURCE / name).read_text(), name)
            self.assertIn(f"Fl -{option}", manual)


class Readme(unittest.TestCase):
    """The demonstration, command by command, in a network of its own: port 5000 may be somebody's."""

    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="try")
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name) / "try"
        self.place.mkdir()
        shutil.copy(SOURCE / "docs/flask-demo/app.py", self.place)
        self.started = []
        self.addCleanup(self.end)

    def end(self):
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                process.wait(20)

    def environment(self):
        return {**os.environ, "PATH": f"{BUILD}/supervisor:/usr/bin:/bin", "STATE_DIRECTORY": str(self.place.parent)}

    def start(self, command, name):
        out = open(self.place.parent / f"{name}.console", "w+")
        self.addCleanup(out.close)
        process = subprocess.Popen(command, shell=True, cwd=self.place, stdout=out, stderr=subprocess.STDOUT,
                                   env=self.environment(), start_new_session=True)
        self.started.append(process)
        return process, lambda: pathlib.Path(out.name).read_text()

    def ask(self, command):
        return subprocess.run(command, shell=True, cwd=self.place, env=self.environment(), check=False,
                              capture_output=True, text=True)

    def shown(self, command, number=0):
        """The console's lines that follow a command in the README, numbers and times left out."""
        bodies = [body for kind, body in blocks(SOURCE / "README.md", "console") if f"$ {command}\n" in body]
        return bodies[number].split(f"$ {command}\n")[1].split("\n$ ")[0]

    def assert_shows(self, real, document):
        plain = shape(real)
        for line in document.splitlines():
            if line.startswith("[supervisor]"):
                self.assertIn(shape(line), plain)

    @unittest.skipUnless(BUILD.resolve() == SOURCE.resolve() / "build/release", "script/server runs the release build")
    def test_the_first_command_polls_and_answers_and_leaves_nothing(self):
        server = subprocess.Popen(["script/server"], cwd=SOURCE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  start_new_session=True)
        self.started.append(server)

        def tick():
            try:
                with urllib.request.urlopen("http://127.0.0.1:5000/status", timeout=5) as answer:
                    return json.load(answer)["oneloop"]["tick"]
            except OSError:
                return 0
        self.assertTrue(wait_until(lambda: tick() > 1, 60))
        os.killpg(server.pid, signal.SIGINT)
        server.wait(30)
        # The cinema too.
        self.assertTrue(wait_until(lambda: subprocess.run(["ss", "-Hltn"], check=True, capture_output=True).stdout == b""))

    def test_alone_it_is_two_and_under_the_supervisor_one(self):
        alone, said = self.start("exec python3 app.py", "alone")
        self.assertTrue(wait_until(lambda: len(loops(said())) == 2), said())
        doctor = self.ask("supervisor doctor --flask -- python3 app.py")
        self.assertIn("2 processes that no supervisor keeps: python3 app.py, 127.0.0.1:5000", doctor.stdout)
        os.killpg(alone.pid, signal.SIGINT)
        alone.wait(20)

        command = "supervisor --flask --watch -- python3 app.py"
        first, said = self.start(f"exec supervisor --isolate subreaper {command[11:]}", "first")
        self.assertTrue(wait_until(lambda: "Debugger is active" in said()), said())
        self.assertEqual(len(loops(said())), 1)
        with open(self.place / "app.py", "a") as app:
            app.write("# an edit\n")
        self.assertTrue(wait_until(lambda: len(loops(said())) == 2), said())
        self.assert_shows(said(), self.shown(command))

        refused = self.ask(f"exec supervisor --isolate subreaper --if-running error {command[11:]}")
        self.assertEqual(refused.returncode, 75)
        self.assert_shows(refused.stderr, self.shown("supervisor --flask --watch --if-running error -- python3 app.py"))

        status = self.ask("supervisor status").stdout
        for line in self.shown("supervisor status").splitlines():
            if line.strip() != "...":
                self.assertIn(line[:13].strip(), status)
        tree = self.ask("supervisor ps").stdout
        self.assertEqual([word for word in re.findall(r"supervisor --|\\_ warden|\\_ python3", tree)],
                         ["supervisor --", "\\_ warden", "\\_ python3"])

        second, again = self.start(f"exec supervisor --isolate subreaper --if-running replace {command[11:]}", "second")
        self.assertTrue(wait_until(lambda: len(loops(again())) == 1), again())
        first.wait(20)
        self.assert_shows(again(), self.shown(command, 1))
        os.killpg(second.pid, signal.SIGKILL)
        self.assertTrue(wait_until(lambda: subprocess.run(["pgrep", "-f", str(self.place)], check=False,
                                                          capture_output=True).stdout == b""))


def loops(text):
    return set(re.findall(r"check_loop in pid (\d+)", text))


def shape(text):
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "WHEN", text)
    return re.sub(r"\b\d+(\.\d+)?", "N", text.replace(" (generation ", " (generation "))


if __name__ == "__main__":
    if os.geteuid() == 0 and os.environ.get("ONELOOP_NETWORK") != "own":
        os.environ["ONELOOP_NETWORK"] = "own"
        os.execvp("unshare", ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", sys.executable, "-B",
                              *sys.argv])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
