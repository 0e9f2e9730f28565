"""oneloop@.service in a real systemd: programs of one's own, and what kills, hangs and upgrades do to them.

The controls run the same with a setting taken back: each has to show what the setting is there for."""

import os
import pathlib
import signal
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(sys.argv[2]) / "tests/support"))
import booted  # noqa: E402
import service  # noqa: E402

UNIT = "oneloop@a.service"
PROBE = f"{service.TOOLS}/probe_worker"


def toml(*command, **options):
    lines = ["[supervisor]", f"command = {list(map(str, command))}"]
    for key, value in options.items():
        lines.append(f"{key.replace('_', '-')} = \"{value}\"")
    return "\n".join(lines).replace("'", '"') + "\n"


class Instances(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = booted.Machine(service.new_disk())
        cls.machine.own_disk = True
        cls.machine.__enter__()
        cls.service = service.Service(cls.machine)
        cls.service.prepare()

    @classmethod
    def tearDownClass(cls):
        cls.machine.cut_power()

    def setUp(self):
        self.addCleanup(self.end)

    def end(self):
        self.machine.run("systemctl", "stop", "oneloop@*.service", check=False)
        self.machine.run("systemctl", "reset-failed", check=False)
        self.machine.run("rm", "-rf", "/run/systemd/system/oneloop@a.service.d", "/etc/oneloop/a.toml",
                         "/etc/oneloop/b.toml", "/var/lib/oneloop/a/go")
        self.machine.run("systemctl", "daemon-reload")
        for left in self.machine.processes("system.slice"):
            self.assertNotIn("escapee", left[3])
            self.assertFalse(is_probe(left[1], left[3]), left)

    def start(self, text, unit=UNIT, **drop_in):
        self.service.write(f"/etc/oneloop/{unit.split('@')[1].split('.')[0]}.toml", text)
        if drop_in:
            lines = "".join(f"{key}={value}\n" for key, value in drop_in.items())
            self.service.write(f"/run/systemd/system/{unit}.d/test.conf", f"[Service]\n{lines}")
            self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "start", unit)

    def kinds(self, unit=UNIT):
        return sorted(service.kind_of(program, line)
                      for _, program, _, line in self.machine.processes(unit))

    def kill(self, *kinds):
        pids = [pid for kind in kinds for pid in self.service.pids(UNIT, kind)]
        self.assertEqual(len(pids), len(kinds))
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)  # at once, as far as they can tell
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def test_whoever_is_killed_one_tree_follows_the_other(self):
        with service.Census(self.machine, UNIT, is_probe) as census:
            self.start(toml(PROBE, "--escapee", stop_timeout="500ms"))
            for kinds in (["supervisor"], ["warden"], ["worker"], ["supervisor", "warden", "worker"]):
                self.assertTrue(booted.wait_until(lambda: self.kinds() == TREE), self.kinds())
                generation = self.service.generation(UNIT)
                old = {one[0] for one in self.machine.processes(UNIT)}
                self.kill(*kinds)
                self.assertTrue(booted.wait_until(
                    lambda g=generation: self.service.generation(UNIT) > g), kinds)
                self.assertTrue(booted.wait_until(lambda: self.kinds() == TREE), self.kinds())
                left = old & {one[0] for one in self.machine.processes(UNIT)
                              if service.kind_of(one[1], one[3]) != "supervisor"}
                self.assertEqual(left, set(), f"of the generation before, after {kinds}")
        self.assertEqual(census.most, 1)
        self.assertGreater(census.looks, 50)

    def test_control_a_second_worker_is_counted(self):
        self.start(toml(PROBE))
        with service.Census(self.machine, UNIT, is_probe) as census:
            second = self.machine.start("env", "ONELOOP_GENERATION=4711", PROBE)
            (self.machine.cgroup / census.group / "cgroup.procs").write_text(str(second.pid))
            self.assertTrue(booted.wait_until(lambda: census.most == 2))
            second.kill()
            second.wait()

    def test_control_with_KillMode_process_a_descendant_survives(self):
        self.start(toml(PROBE, "--escapee"), KillMode="process", Restart="no")
        self.assertTrue(booted.wait_until(lambda: self.kinds() == TREE))
        self.kill("supervisor", "warden", "worker")
        self.assertTrue(booted.wait_until(lambda: self.machine.show(UNIT, "ActiveState") == "failed"))
        left = [pid for pid, _, _, line in self.machine.processes("system.slice")
                if line.startswith("escapee")]
        self.assertEqual(len(left), 1)
        os.kill(left[0], signal.SIGKILL)

    def test_active_means_ready_and_control_with_Type_simple_it_does_not(self):
        text = toml(PROBE, "--ready-when", "go", ready="notify")
        self.service.write("/etc/oneloop/a.toml", text)
        start = self.machine.start("systemctl", "start", UNIT)
        self.assertTrue(booted.wait_until(lambda: "not ready yet" in self.machine.show(UNIT, "StatusText")))
        self.assertEqual(self.machine.show(UNIT, "ActiveState"), "activating")
        self.assertIsNone(start.poll())
        self.machine.run("touch", "/var/lib/oneloop/a/go")
        self.assertEqual(start.wait(20), 0)
        self.assertEqual(self.machine.show(UNIT, "ActiveState"), "active")
        self.end()
        self.start(text, Type="simple")
        self.assertEqual(self.machine.show(UNIT, "ActiveState"), "active")
        self.assertFalse(self.machine.path("/var/lib/oneloop/a/go").exists())

    def test_a_supervisor_that_hangs_is_found_and_replaced(self):
        with service.Census(self.machine, UNIT, is_probe) as census:
            self.start(toml(PROBE), WatchdogSec="1s")
            generation = self.service.generation(UNIT)
            os.kill(self.service.pids(UNIT, "supervisor")[0], signal.SIGSTOP)
            self.assertTrue(booted.wait_until(lambda: self.service.generation(UNIT) > generation))
            self.assertIn("Watchdog timeout", self.machine.journal("-u", UNIT))
        self.assertEqual(census.most, 1)

    def test_a_worker_that_hangs_is_found_by_the_supervisor(self):
        with service.Census(self.machine, UNIT, is_probe) as census:
            self.start(toml(PROBE, "--ready-when", "now", "--alive-every", "50", ready="notify",
                            watchdog="500ms"))
            generation = self.service.generation(UNIT)
            supervisor = self.service.pids(UNIT, "supervisor")
            os.kill(self.service.pids(UNIT, "worker")[0], signal.SIGUSR1)  # says nothing from here on
            self.assertTrue(booted.wait_until(lambda: self.service.generation(UNIT) > generation))
            self.assertEqual(self.service.pids(UNIT, "supervisor"), supervisor)
            self.assertEqual(self.machine.show(UNIT, "NRestarts"), "0")
        self.assertEqual(census.most, 1)
        self.assertGreater(census.looks, 50)

    def test_a_stop_ends_a_worker_that_ignores_it_and_all_it_started(self):
        self.start(toml(PROBE, "--ignore-term", "--escapee", stop_timeout="1s"))
        self.assertTrue(booted.wait_until(lambda: self.kinds() == TREE))
        self.machine.run("systemctl", "stop", UNIT)
        self.assertEqual(self.machine.show(UNIT, "Result"), "success")  # not by systemd's own limit
        self.assertEqual(self.machine.processes("system.slice/system-oneloop.slice"), [])

    def test_a_reload_with_a_mistake_in_its_own_file_keeps_the_worker(self):
        self.start(toml(PROBE))
        first = self.service.pids(UNIT, "worker")
        self.service.write("/etc/oneloop/a.toml", toml(PROBE, stop_timeouts="3s"))
        self.assertNotEqual(self.machine.code("systemctl", "reload", UNIT), 0)
        said = self.machine.journal("-u", UNIT)
        self.assertIn("not reloaded, the worker that runs is kept", said)
        self.assertRegex(said, r"not reloaded: .*a\.toml:3:")  # the command says it too
        self.assertEqual(self.service.pids(UNIT, "worker"), first)
        self.assertEqual(self.machine.show(UNIT, "ActiveState"), "active")
        self.service.write("/etc/oneloop/a.toml", toml(PROBE))
        self.machine.run("systemctl", "reload", UNIT)
        self.assertNotIn(self.service.pids(UNIT, "worker"), ([], first))

    def test_two_instances_know_nothing_of_each_other(self):
        other = "oneloop@b.service"
        self.start(toml(PROBE))
        self.start(toml(PROBE), other)
        before = self.service.pids(other, "worker")
        self.assertEqual((self.kinds(), self.kinds(other)), (PLAIN, PLAIN))
        self.machine.run("systemctl", "restart", UNIT)
        self.machine.run("systemctl", "stop", UNIT)
        self.assertEqual(self.service.pids(other, "worker"), before)
        self.assertEqual(self.machine.processes(UNIT), [])

    def test_another_user_has_a_place_beside_the_poller(self):
        # What oneloop.service makes of its directory, before and after.
        mode = self.machine.run("sh", "-c", "systemctl cat oneloop.service | grep ^StateDirectoryMode=").strip()
        as_poller = ["systemd-run", "--wait", "-q", "true"]
        for setting in ("User=oneloop", "Group=oneloop", "StateDirectory=oneloop", mode):
            as_poller[3:3] = ["-p", setting]
        self.machine.run(*as_poller)
        # Before the unit is another user's no more.
        self.addCleanup(lambda: self.machine.run("rm", "-rf", "/var/lib/oneloop/a"))
        self.machine.run("rm", "-rf", "/var/lib/oneloop/a")
        self.start(toml(PROBE), User="games", Group="games")
        owner = lambda path: self.machine.run("stat", "-c", "%U %a", path).strip()  # noqa: E731
        pid = self.service.pids(UNIT, "worker")[0]
        self.assertEqual(str(os.stat(f"/proc/{pid}").st_uid), self.machine.run("id", "-u", "games").strip())
        self.assertEqual(owner("/var/lib/oneloop/a"), "games 700")
        self.machine.run(*as_poller)
        self.assertEqual(owner("/var/lib/oneloop/a"), "games 700")
        self.assertEqual(self.service.pids(UNIT, "worker"), [pid])
        self.machine.run("systemctl", "restart", UNIT)
        self.assertEqual(self.kinds(), PLAIN)
        self.machine.run("systemctl", "stop", UNIT)

    def serve(self, **drop_in):
        self.start(toml("/usr/bin/python3", f"{service.TOOLS}/http_worker.py", "http.log",
                        socket="http=127.0.0.1:8000"), **drop_in)

    def refusals_through_a_restart(self):
        answers, over = [], threading.Event()

        def ask():
            while not over.is_set():
                answers.append(self.service.get("/", 8000)[0])
        thread = threading.Thread(target=ask)
        thread.start()
        rounds = 0
        # On a busy machine few are asked meanwhile.
        while rounds < 3 or len(answers) <= 5 and rounds < 30:
            rounds += 1
            before = self.service.generation(UNIT)
            self.machine.run("systemctl", "restart", UNIT)
            self.assertTrue(booted.wait_until(lambda b=before: self.service.generation(UNIT) > b))
        over.set()
        thread.join()
        self.assertGreater(len(answers), 5)
        return answers.count(7)

    def test_a_socket_of_the_supervisor_outlives_it(self):
        self.serve()
        self.assertEqual(self.machine.show(UNIT, "NFileDescriptorStore"), "1")
        self.assertEqual(self.refusals_through_a_restart(), 0)
        self.assertEqual(self.machine.show(UNIT, "NFileDescriptorStore"), "1")
        # Another address: the old socket is given up, and nobody waits at it for ever.
        self.start(toml("/usr/bin/python3", f"{service.TOOLS}/http_worker.py", "http.log",
                        socket="http=127.0.0.1:8001"))
        self.machine.run("systemctl", "restart", UNIT)
        self.assertEqual(self.service.get("/", 8001)[:2], (0, 200))
        self.assertEqual(self.service.get("/", 8000)[0], 7)

    def test_control_without_the_store_requests_are_refused(self):
        self.serve(FileDescriptorStoreMax="0")
        self.assertGreater(self.refusals_through_a_restart(), 0)

    def test_the_exposure_is_small_and_nothing_is_left_to_say(self):
        units = ["oneloop.service", "oneloop.socket", UNIT]
        self.assertEqual(self.machine.run("systemd-analyze", "verify", "--man=no", *units), "")
        self.assertEqual(self.machine.run("env", "XDG_RUNTIME_DIR=/run", "systemd-analyze", "verify",
                                          "--man=no", "--user", "/usr/lib/systemd/user/oneloop@.service", check=False), "")
        for unit in ("oneloop.service", UNIT):
            # Of 100; 12 is an exposure of 1.2.
            self.assertEqual(self.machine.code("systemd-analyze", "security", "--threshold=12", unit), 0)
        self.assertNotEqual(self.machine.code("systemd-analyze", "security", "--threshold=5", UNIT), 0)

    def test_each_drop_in_is_understood(self):
        drop_ins = sorted((service.SOURCE / "systemd/drop-ins").glob("*.conf"))
        self.assertGreater(len(drop_ins), 3)
        for path in drop_ins:
            self.service.write("/run/systemd/system/oneloop@a.service.d/test.conf", path.read_text())
            self.service.write("/etc/mail-password", "s3cret\n")
            self.machine.run("systemctl", "daemon-reload")
            self.assertEqual(self.machine.run("systemd-analyze", "verify", "--man=no", UNIT), "", path)
            isolate = {"namespaces": "pidns", "delegate": "cgroup"}.get(path.stem, "auto")
            self.start(toml(PROBE, isolate=isolate))
            self.assertTrue(booted.wait_until(lambda: self.kinds() == PLAIN), path)
            self.machine.run("systemctl", "stop", UNIT)

    def test_a_user_has_it_too(self):
        self.machine.run("useradd", "-m", "-u", "2000", "you")
        home = "/home/you"
        self.service.write(f"{home}/.config/oneloop/bot.toml", toml(PROBE))
        self.machine.run("chown", "-R", "you:", home)
        self.machine.run("systemctl", "start", "user@2000.service")

        def as_you(*words):
            return self.machine.run("runuser", "-u", "you", "--", "env", "XDG_RUNTIME_DIR=/run/user/2000",
                                    *words)
        as_you("systemctl", "--user", "start", "oneloop@bot.service")
        mine = [service.kind_of(program, line) for _, program, _, line
                in self.machine.processes("user.slice") if "(sd-pam)" not in line]
        self.assertEqual(sorted(kind for kind in mine if kind != "other"), PLAIN)
        self.assertIn("cgroup", as_you("supervisor", "status", "--state-dir",
                                       f"{home}/.local/state/oneloop/unit-bot"))
        as_you("systemctl", "--user", "stop", "oneloop@bot.service")
        self.assertEqual([line for _, program, _, line in self.machine.processes("user.slice")
                          if service.kind_of(program, line) != "other"], [])
        self.machine.run("systemctl", "stop", "user@2000.service")


TREE = ["other", "supervisor", "warden", "worker"]  # with an escapee
PLAIN = ["supervisor", "warden", "worker"]


def is_probe(program, line):
    return program == PROBE and not line.startswith("escapee")


if __name__ == "__main__":
    booted.inside(lambda: service.run_tests(Instances))
