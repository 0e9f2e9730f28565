"""Two builds of one tree are the same packages, byte for byte: this build's, and one in another place, which nothing of this one
reaches: other directories, another file system where there is one, another umask, time zone and language, and no compiler's cache.

It compiles all that is packaged once more, a quarter of an hour of one processor, so only `script/test --long`."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests/support"))
import packages  # noqa: E402

TARGETS = ("supervisor", "warden", "worker")
OTHER_WORLD = {"TZ": "Asia/Seoul", "LC_ALL": "C", "CCACHE_DISABLE": "1"}
# Appended to the warden: what a compiler knows of places, the name of the source.
ITS_PLACE = """
extern const char* const its_place;
[[gnu::used, gnu::retain]] const char* const its_place = "its place: " __FILE__;
"""


def digests(of):
    return {kind: hashlib.sha256(path.read_bytes()).hexdigest() for kind, path in of.items()}


def copy_of_the_tree(to):
    """What is under version control, as it lies there now; without that, all but what was built."""
    done = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                          cwd=SOURCE, check=False, capture_output=True)
    if done.returncode != 0:
        shutil.copytree(SOURCE, to, symlinks=True, ignore=shutil.ignore_patterns("build"))
        return
    for name in filter(None, done.stdout.decode().split("\0")):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        if (SOURCE / name).exists():
            shutil.copy2(SOURCE / name, to / name)


class TwoBuilds(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="oneloop-another-place-")
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)
        self.tree = self.place / "deeper" / "than-before"
        self.addCleanup(os.umask, os.umask(0o022))
        # A tmpfs lists the files of a directory in another order than a disk.
        memory = pathlib.Path("/dev/shm")
        self.other = pathlib.Path(tempfile.mkdtemp(prefix="oneloop-packages-", dir=memory if memory.is_dir() else None))
        self.addCleanup(shutil.rmtree, self.other)

    def build(self):
        """Of the tree in the other place, in the other world."""
        environment = {**os.environ, **OTHER_WORLD}
        out = self.tree / "build/elsewhere"
        if not out.exists():
            subprocess.run(["cmake", "-G", "Ninja", "-S", self.tree, "-B", out, "-DCMAKE_BUILD_TYPE=Release",
                            "-DONELOOP_TESTS=OFF"], check=True, stdout=subprocess.DEVNULL, env=environment)
        jobs = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL")
        subprocess.run(["ninja", "-C", out, "--quiet", *(["-j", jobs] if jobs else []), *TARGETS], check=True, env=environment)
        return out

    def test_the_same_tree_in_another_place_gives_the_same_bytes(self):
        here = packages.make(BUILD, self.place / "here")
        copy_of_the_tree(self.tree)
        os.umask(0o077)
        there = packages.make(self.build(), self.other / "there")
        self.assertEqual(sorted(here), ["deb", "tar"])
        if digests(here) != digests(there):
            self.fail(self.difference(here, there))
        self.assertEqual(self.programs_that_name_their_place(there["tar"]), [])
        # The control: a source that says where it lies.
        with open(self.tree / "supervisor/warden.cpp", "a", encoding="utf-8") as source:
            source.write(ITS_PLACE)
        changed = packages.make(self.build(), self.other / "changed")
        for kind in ("deb", "tar"):
            self.assertNotEqual(digests(here)[kind], digests(changed)[kind], kind)
        self.assertEqual(self.programs_that_name_their_place(changed["tar"]), ["warden"])

    def programs_that_name_their_place(self, tar):
        """Where they were built; or a place to look for libraries."""
        root = pathlib.Path(tempfile.mkdtemp(dir=self.place))
        subprocess.run(["tar", "-C", root, "-xf", tar], check=True)
        programs = [path for path in root.rglob("*") if path.name in TARGETS and path.is_file()]
        self.assertEqual(sorted(path.name for path in programs), sorted(TARGETS))
        return [path.name for path in programs if str(self.tree).encode() in path.read_bytes() or re.search(
            "RPATH|RUNPATH", subprocess.run(["readelf", "--dynamic", path], check=True, capture_output=True, text=True).stdout)]

    def difference(self, here, there):
        """The names of the files that differ."""
        for name, one in (("a", here), ("b", there)):
            subprocess.run(["dpkg-deb", "--raw-extract", one["deb"], self.place / name], check=True)
        return subprocess.run(["diff", "-rq", self.place / "a", self.place / "b"], check=False, capture_output=True,
                              text=True).stdout


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
