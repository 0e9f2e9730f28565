"""What is installed and packaged, without a machine to install it in: install_test.py BUILD SOURCE"""

import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests/support"))
import packages  # noqa: E402


def output(*words, **options):
    return subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True, **options).stdout


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Install(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)

    def installed(self, prefix):
        """What `cmake --install` puts below DESTDIR."""
        root = self.place / prefix.replace("/", "_")
        output("cmake", "--install", BUILD, "--prefix", prefix, env={**os.environ, "DESTDIR": str(root)})
        return root, {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}

    def test_into_a_prefix_and_nowhere_else(self):
        for prefix in ("/usr", "/opt/oneloop"):
            root, files = self.installed(prefix)
            self.assertTrue(all(("/" + name).startswith(prefix + "/") for name in files), files)
            for name in ("bin/supervisor", "libexec/oneloop/warden", "libexec/oneloop/worker",
                         "share/man/man1/supervisor.1.gz", "lib/systemd/system/oneloop.service",
                         "lib/systemd/system/oneloop@.service", "lib/systemd/system/oneloop.socket",
                         "lib/systemd/user/oneloop@.service", "lib/sysusers.d/oneloop.conf",
                         "lib/tmpfiles.d/oneloop.conf", "share/doc/oneloop/examples/oneloop.toml",
                         "share/doc/oneloop/examples/cgv.toml", "share/doc/oneloop/examples/lotte.toml"):
                self.assertIn(f"{prefix}/{name}".lstrip("/"), files)
            unit = (root / prefix.lstrip("/") / "lib/systemd/system/oneloop.service").read_text()
            self.assertIn(f"ExecStart={prefix}/bin/supervisor ", unit)
            self.assertIn(f"{prefix}/libexec/oneloop/worker --check", unit)
            self.assertNotRegex(unit, "@[A-Z]+@")

    def test_two_packages_of_one_build_are_the_same_bytes(self):
        first = packages.make(BUILD, self.place / "first")
        # A tmpfs lists a directory in another order than a disk, and counts other sizes.
        memory = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.addCleanup(memory.cleanup)
        self.addCleanup(os.umask, os.umask(0o077))
        second = packages.make(BUILD, pathlib.Path(memory.name) / "second")
        other = packages.make(BUILD, self.place / "third", "TGZ", epoch="1600000000")
        for kind in ("deb", "tar"):
            self.assertEqual(digest(first[kind]), digest(second[kind]), kind)
        self.assertNotEqual(digest(first["tar"]), digest(other["tar"]), "the control: another time")
        self.check_lint(first["deb"])
        self.check_tarball(first["tar"])

    def check_lint(self, deb):
        done = subprocess.run(["lintian", "--fail-on", "none", "--show-overrides", "--allow-root", deb], check=True,
                              capture_output=True, text=True)
        # The control: it has something to say of this package, and all of it has its reason.
        self.assertEqual(sorted(re.findall("^([A-Z]): oneloop: (\\S+)", done.stdout, re.M)),
                         [("O", "initial-upload-closes-no-bugs"), ("O", "statically-linked-binary")], done.stdout)

    def check_tarball(self, tar):
        """It runs where it lies, moved, and by a link to it."""
        output("tar", "-C", self.place, "-xf", tar)
        home = next(self.place.glob("oneloop-*-*"))
        moved = home.rename(self.place / "moved here")
        (self.place / "link").symlink_to(moved / "bin/supervisor")
        said = subprocess.run(
            [self.place / "link", "--state-dir", self.place / "state", "--", "worker", "--version"],
            check=True, capture_output=True, text=True).stdout
        self.assertRegex(said, r"^worker \d+\.\d+")
        self.assertEqual([str(path) for path in moved.rglob("*.service*")], [])

    def test_each_unit_says_why_each_of_its_settings_is_so(self):
        """A comment before each setting, or before the first of a group without a blank line in it."""
        units = [path for path in (SOURCE / "systemd").rglob("*") if ".service" in path.name
                 or path.suffix in (".socket", ".conf")]
        self.assertGreater(len(units), 8)
        for path in units:
            explained = False
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if line.startswith("#"):
                    explained = True
                elif not line or line in ("[Install]", "[Unit]"):
                    explained = line != "" and explained or line.startswith("[")
                elif "=" in line and not line.startswith((" ", "WantedBy", "DefaultInstance")):
                    self.assertTrue(explained, f"{path.name}:{number}: {line}")

    def test_the_bare_example_is_a_configuration(self):
        self.assertEqual(output(BUILD / "worker/worker", "--check", "--config",
                                SOURCE / "systemd/oneloop.toml"), "")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
