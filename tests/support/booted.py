"""A real systemd for tests: process 1 of a PID namespace, on a throw-away layer over a root directory.

    import booted
    def main():                      # inside a mount namespace of the test's own
        with booted.Machine() as machine:
            machine.run("systemctl", "start", "x")
    booted.inside(main)

What the machine writes goes into a tmpfs, and is kept by a Disk for the next machine with the same one: a reboot. Power is cut
at the end, which is a SIGKILL of process 1: the kernel ends everything else, so nothing is ever left. shut_down() is the
orderly end. A loopback is its only network; it has control groups and services of its own, and can't set the kernel's knobs.

Needs root, overlayfs, a cgroup2 and util-linux; where that can't be had it says why and exits with 77, which ctest shows as
skipped. The memory and task limits of units do nothing where the cgroup2 has no such controllers.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"

# Reach beyond the guest, or wait for hardware that is not there.
MASKED = """systemd-sysctl.service systemd-modules-load.service systemd-journald-audit.socket sys-kernel-debug.mount
sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount
systemd-timesyncd.service systemd-udevd.service systemd-hwdb-update.service systemd-remount-fs.service getty.target
systemd-update-utmp.service systemd-journal-flush.service systemd-networkd-wait-online.service""".split()

# In a new root, whose dev is a tmpfs.
MAKE_DEVICES = """mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
  numbers=${device#*:}
  mknod -m 666 "dev/${device%%:*}" c "${numbers%:*}" "${numbers#*:}"
done
"""

# What becomes process 1. $1: where to build its root, $2: the layer below, $3 and $4: the layer above.
BECOME_SYSTEMD = r"""set -e
mount -t overlay overlay -o "lowerdir=$2,upperdir=$3,workdir=$4" "$1"
cd "$1"
mount -t proc proc proc
mount --bind proc/sys proc/sys; mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
""" + MAKE_DEVICES + r"""ip link set lo up
hostname booted
mkdir -p .before
pivot_root . .before
exec setpriv --bounding-set -sys_module,-sys_rawio,-sys_time,-syslog,-audit_control chroot . /bin/sh -c '
  # Shared, as process 1 itself makes it where it sees no container: credentials are mounted that way.
  umount -l /.before; rmdir /.before; mount --make-rshared /; cd /; umask 022
  exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \
    --unit=multi-user.target --show-status=false --log-target=journal'
"""


def wait_until(condition, limit=20.0):
    """The value of condition() as soon as it is true, else the last one after `limit` seconds."""
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(0.005)


def cgroup2():
    mounts = (line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines())
    return next((pathlib.Path(mount[1]) for mount in mounts if mount[2] == "cgroup2"), None)


def skip(why):
    print(f"skipped: {why}", file=sys.stderr)
    sys.exit(SKIPPED)


def inside(main):
    """Runs `main` in a mount namespace of its own, or exits with 77."""
    if os.environ.pop("ONELOOP_BOOTED", "") == "inside":
        sys.exit(main())
    if os.geteuid() != 0:
        skip("a real systemd needs root")
    if "overlay" not in pathlib.Path("/proc/filesystems").read_text():
        skip("no overlayfs")
    if not cgroup2():
        skip("no cgroup2")
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0:
        skip("no mount namespaces here")
    os.environ["ONELOOP_BOOTED"] = "inside"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, "-B", *sys.argv])


class Disk:
    """What machines write, in memory: gone with the test."""

    def __init__(self, root="/"):
        self.lower = root
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="oneloop-disk-"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3g", "tmpfs", self.path], check=True)
        for name in ("upper", "work", "root"):
            (self.path / name).mkdir()
        self.fresh = True

    def put(self, source, at):
        """A file or a tree of ours, before the boot."""
        target = self.path / "upper" / str(at).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", source, target], check=True)

    def write(self, at, text):
        target = self.path / "upper" / str(at).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def make_fresh(self):
        """An identity of its own, and none of the services that this machine has enabled."""
        lower = pathlib.Path(self.lower)
        self.write("/etc/machine-id", subprocess.run(
            ["systemd-id128", "new"], check=True, capture_output=True, text=True).stdout)
        self.write("/etc/hostname", "booted\n")
        self.write("/etc/fstab", "")
        for name in ("tmp.conf", "x11.conf"):
            self.write(f"/etc/tmpfiles.d/{name}", "")  # they empty /tmp
        self.write("/etc/systemd/journald.conf.d/test.conf",
                   "[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\nAudit=no\n")
        units = self.path / "upper/etc/systemd/system"
        units.mkdir(parents=True, exist_ok=True)
        for name in MASKED:
            (units / name).symlink_to("/dev/null")
        # Scripts in /etc/init.d are this machine's services too.
        (units.parent / "system-generators").mkdir()
        (units.parent / "system-generators/systemd-sysv-generator").symlink_to("/dev/null")
        for path in (lower / "etc/systemd/system").glob("*.*"):
            if path.is_dir() and path.suffix in (".wants", ".requires"):
                for unit in path.iterdir():
                    whiteout(units / path.name / unit.name)
        whiteout(self.path / "upper/usr/sbin/policy-rc.d")  # forbids packages to start anything
        self.fresh = False

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=False)
        self.path.rmdir()


def whiteout(path):
    """In a layer above: what is below is not there (overlayfs.rst)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(path):
        os.mknod(path, 0o600 | 0o020000, os.makedev(0, 0))


class Machine:
    """One boot. `with Machine(disk) as machine:`"""

    count = 0

    def __init__(self, disk=None):
        self.own_disk = disk is None
        self.disk = disk or Disk()
        Machine.count += 1
        self.cgroup = cgroup2() / f"oneloop-test-{os.getpid()}-{Machine.count}"
        self.outer = None
        self.init = 0
        self.beside = []

    def __enter__(self):
        if self.disk.fresh:
            self.disk.make_fresh()
        self.cgroup.mkdir()
        path = self.disk.path
        self.outer = subprocess.Popen(
            # Into the control group first, so that it is the root of the namespace's.
            ["sh", "-c", 'echo 0 > "$0/cgroup.procs" && exec "$@"', self.cgroup,
             "setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private", "--uts",
             "--ipc", "--net", "--cgroup", "--pid", "--fork", "--kill-child", "sh", "-c", BECOME_SYSTEMD,
             "sh", path / "root", self.disk.lower, path / "upper", path / "work"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if not wait_until(self.is_up, 30):
            self.cut_power()
            raise RuntimeError(f"systemd did not come up: {self.outer.stdout.read().decode()}")
        self.run("umount", "-l", "/proc/sys")  # covered only while process 1 started
        return self

    def is_up(self):
        if self.outer.poll() is not None:
            raise RuntimeError(f"no boot: {self.outer.stdout.read().decode()}")
        if not self.init:
            try:
                pid = self.outer.pid
                child = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                name = child and pathlib.Path(f"/proc/{child[0]}/comm").read_text().strip()
            except OSError:
                return False
            if name != "systemd":
                return False
            self.init = int(child[0])
        state = self.run("systemctl", "is-system-running", check=False)
        return state.strip() in ("running", "degraded")

    def __exit__(self, kind, value, trace):
        self.cut_power()

    def cut_power(self):
        if self.init:
            os.kill(self.init, signal.SIGKILL)
        self.outer.kill()
        self.outer.wait()
        self.init = 0
        wait_until(self.remove_cgroup, 10)
        if self.own_disk:
            self.disk.close()

    def shut_down(self, limit=90):
        """Everything is stopped in order, and process 1 ends by itself."""
        self.run("systemctl", "reboot")
        ended = wait_until(self.is_down, limit)
        self.init = 0 if ended else self.init
        self.cut_power()
        assert ended, f"still up after {limit} s"

    def is_down(self):
        # At the end systemd stops all processes for a moment (kill(2) with -1, SIGSTOP). nsenter stops itself with
        # its command, and outside it is not woken with it: nobody reaps the command then, and process 1 waits for that.
        for process in self.beside:
            process.send_signal(signal.SIGCONT)
        return self.outer.poll() is not None

    def remove_cgroup(self):
        for directory, _, _ in os.walk(self.cgroup, topdown=False):
            try:
                os.rmdir(directory)
            except OSError:
                return False
        return True

    def command(self, words):
        return ["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "-C", "--", "env", "-i",
                PATH, "HOME=/root", "LANG=C.UTF-8", *map(str, words)]

    def run(self, *words, check=True, limit=120, stdin=None):
        """Standard output and error of a command in the machine, as root."""
        done = subprocess.run(self.command(words), text=True, errors="replace", timeout=limit,
                              input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, words))}: {done.returncode}\n{done.stdout}")
        return done.stdout

    def code(self, *words):
        return subprocess.run(self.command(words), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode

    def start(self, *words, **options):
        """Beside us; the caller ends it."""
        self.beside.append(subprocess.Popen(self.command(words), **options))
        return self.beside[-1]

    def path(self, inside):
        """Where a file of the machine is seen from here."""
        return pathlib.Path(f"/proc/{self.init}/root{inside}")

    def show(self, unit, what):
        return self.run("systemctl", "show", "--value", "-p", what, unit).strip()

    def journal(self, *words):
        return self.run("journalctl", "--no-pager", "-q", "-o", "cat", *words, check=False)

    def processes(self, unit):
        """(pid as seen from here, program, environment) of the living processes of a service."""
        found = []
        name = unit if "/" in unit else self.show(unit, "ControlGroup").lstrip("/")
        for listing in sorted((self.cgroup / name).rglob("cgroup.procs")) if name else []:
            try:
                pids = listing.read_text().split()
            except OSError:
                continue
            found += [one for one in map(look_at, pids) if one]
        return found


def look_at(pid):
    try:
        program = os.readlink(f"/proc/{pid}/exe")
        words = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None  # gone, or a zombie
    if not line or words == [b""]:
        return None  # about to be gone: its memory is
    variables = dict(word.decode(errors="replace").split("=", 1) for word in words if b"=" in word)
    return int(pid), program, variables, line.decode(errors="replace").replace("\0", " ").strip()
