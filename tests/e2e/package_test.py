"""The Debian package in a real systemd, from its first installation to its purge."""

import pathlib
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(sys.argv[2]) / "tests/support"))
import booted  # noqa: E402
import packages  # noqa: E402
import service  # noqa: E402

UNIT = "oneloop.service"


class Package(unittest.TestCase):
    """One machine's life, step by step: each step builds on the one before."""

    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)

    def test_installs_starts_upgrades_and_purges(self):
        with booted.Machine(service.new_disk(with_programs=False)) as self.machine:
            self.machine.own_disk = True
            self.service = service.Service(self.machine)
            self.install("0.1.0")
            self.check_installed()
            self.service.start_cinema()
            self.service.start_mail()
            self.service.configure()
            self.machine.run("systemctl", "start", "oneloop.socket", UNIT)
            self.assertEqual(self.service.get("/healthz")[1], 200)
            self.upgrade_under_load()
            self.upgrade_of_what_is_stopped()
            self.remove_and_purge()
            self.service.close()

    def install(self, version):
        if not (self.place / version).exists():
            packages.make(service.BUILD, self.place / version, "DEB", version)
        deb = next((self.place / version).glob("*.deb"))
        self.machine.path("/opt").joinpath(deb.name).write_bytes(deb.read_bytes())
        return self.machine.run("dpkg", "-i", f"/opt/{deb.name}")

    def check_installed(self):
        self.assertEqual(self.machine.run("dpkg", "--verify", "oneloop"), "")
        self.assertEqual(self.machine.run("systemctl", "is-enabled", UNIT, "oneloop.socket").split(),
                         ["enabled", "enabled"])
        # There is nothing to poll yet, and that is no failure.
        self.assertEqual(self.machine.show(UNIT, "ActiveState"), "inactive")
        self.assertEqual(self.machine.run("systemctl", "--failed", "--no-legend"), "")
        self.assertIn("oneloop:", self.machine.run("getent", "passwd", "oneloop"))
        mode = self.machine.path("/etc/oneloop/credentials").stat().st_mode
        self.assertEqual(mode & 0o777, 0o700)

    def upgrade_under_load(self):
        answers, over = [], threading.Event()

        def ask():
            while not over.is_set():
                answers.append(self.service.get("/status")[:2])
        threads = [threading.Thread(target=ask) for _ in range(2)]
        before = self.service.pids(UNIT, "supervisor")
        with service.Census(self.machine, UNIT, service.is_our_worker) as census:
            for thread in threads:
                thread.start()
            self.install("0.2.0")
            self.assertTrue(booted.wait_until(
                lambda: self.service.pids(UNIT, "supervisor") not in ([], before)))
            self.assertEqual(self.service.get("/healthz")[1], 200)
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(census.most, 1)
        self.assertGreater(len(answers), 10)
        self.assertEqual([one for one in answers if one != (0, 200)], [], "none refused, none lost")
        # The files of the old version are gone with it: nobody runs a deleted program.
        self.assertFalse([one for one in self.machine.processes(UNIT) if one[1].endswith("(deleted)")])

    def upgrade_of_what_is_stopped(self):
        # For a moment, and then for good.
        self.machine.run("systemctl", "stop", "oneloop.socket", UNIT)
        self.install("0.2.0")
        for unit in (UNIT, "oneloop.socket"):
            self.assertEqual(self.machine.show(unit, "ActiveState"), "inactive", unit)
        self.machine.run("systemctl", "disable", UNIT, "oneloop.socket")
        self.install("0.2.0")  # once more
        self.assertEqual(self.machine.show(UNIT, "ActiveState"), "inactive")
        states = self.machine.run("systemctl", "is-enabled", UNIT, "oneloop.socket", check=False)
        self.assertEqual(states.split(), ["disabled", "disabled"])

    def remove_and_purge(self):
        self.machine.run("systemctl", "start", "oneloop.socket", UNIT)
        self.machine.run("dpkg", "-r", "oneloop")
        self.assertEqual(self.machine.processes("system.slice/" + UNIT), [])
        self.assertEqual(self.service.get("/healthz")[0], 7)
        for kept in ("/etc/oneloop/oneloop.toml", "/var/lib/oneloop/cinema.db"):
            self.assertTrue(self.machine.path(kept).exists(), kept)
        self.machine.run("dpkg", "-P", "oneloop")
        left = self.machine.run("find", "/etc", "/usr", "/var/lib", "-path", "/var/lib/dpkg", "-prune", "-o",
                                "-name", "*oneloop*", "-print")
        self.assertEqual(left, "")
        self.assertEqual(self.machine.run("systemctl", "--failed", "--no-legend"), "")


if __name__ == "__main__":
    booted.inside(lambda: service.run_tests(Package))
