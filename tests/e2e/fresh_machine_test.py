"""README's first lines on a machine that is new: a minimal Debian 12 in which an ordinary user with sudo types them.

    git clone …      of this tree's last commit, since nobody knows where you have it from
    script/server    must answer; ended, it leaves nothing, and the second start installs and builds nothing
    script/test      must succeed; only with the argument `whole`, by hand: within a run of all tests it is a second one

All packages come from where this machine's apt has its own. Takes as long as installing and compiling, so only
`script/test --long`. Skipped, with the reason, without root, debootstrap, a package source, or the ports 5000 and 8377.

    ONELOOP_FRESH_CACHE=DIR    the compiler's cache to begin with, to try this test itself
"""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request

BUILD, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests/support"))
import booted  # noqa: E402

RELEASE = "bookworm"
CLONED_FROM = "URL-OF-THIS-REPOSITORY"
# A process 1 that buries orphans, in a root of its own; the network is this machine's.
ENTER = r"""set -e
mount --bind "$1" "$1"; cd "$1"; shift
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev
""" + booted.MAKE_DEVICES + r"""
mkdir -p .before
pivot_root . .before
chroot . sh -c 'umount -l /.before; "$@"; exit $?' sh "$@"
"""
PREPARE = """set -e
update-ca-certificates >/dev/null
useradd -m -s /bin/bash you
echo 'you ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/you
chown -R you: /home/you
"""
# $1 to $3: the README's lines. As the person who types them, who ends the server, and looks what is left.
TYPED = """set -e
cd ~
eval "$1"
for limit in 7200 60; do
  echo "$2, for at most $limit s"
  $2 >/tmp/server.log 2>&1 &
  server=$!
  for _ in $(seq $((limit * 2))); do
    [ ! -e /tmp/answers ] || break
    kill -0 $server || { tail -n 40 /tmp/server.log; exit 1; }
    sleep 0.5
  done
  [ -e /tmp/answers ] || { tail -n 40 /tmp/server.log; exit 1; }
  kill -TERM $server
  wait $server || [ $? = 143 ]
  for _ in $(seq 100); do
    left=$(ls -l /proc/[0-9]*/exe 2>/dev/null | grep -E '/(supervisor|warden|worker|python3[0-9.]*)$') || break
    sleep 0.1
  done
  [ -z "$left" ] || { echo "left: $left"; exit 1; }
  sudo rm /tmp/answers
done
if grep -E '^(Install|Configur|Build)ing' /tmp/server.log; then
  echo "the second start does it again"
  exit 1
fi
echo "$3"
eval "$3"
"""


def lines_of_the_readme():
    block = re.search(r"^```sh\n(.*?)^```$", (SOURCE / "README.md").read_text(), re.M | re.S).group(1)
    lines = [re.sub(r"\s+#.*", "", line) for line in block.splitlines()]
    assert len(lines) == 3 and CLONED_FROM in lines[0], lines
    return lines


def package_source():
    """Where this machine gets its own packages of Debian from."""
    if not shutil.which("debootstrap"):
        booted.skip("no debootstrap")
    done = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", f"Codename: {RELEASE}", "Label: Debian"],
                          check=False, capture_output=True, text=True)
    if not done.stdout.startswith("http"):
        booted.skip(f"apt has no source of {RELEASE} here that debootstrap could read")
    uri = done.stdout.split()[0]
    try:
        urllib.request.urlopen(f"{uri}dists/{RELEASE}/Release", timeout=30).close()
    except OSError as error:
        booted.skip(f"apt's source of {RELEASE} does not answer: {error}")
    return uri


def check_ports():
    for port in (5000, 8377):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                booted.skip(f"port {port} is somebody's here")


def make_root(root):
    subprocess.run(["debootstrap", "--variant=minbase", "--include=sudo,git,ca-certificates", RELEASE, root, package_source()],
                   check=True, stdout=subprocess.DEVNULL)
    # As this machine reaches its packages.
    for name in ("etc/resolv.conf", "etc/hosts", "etc/apt/sources.list"):
        if pathlib.Path("/", name).exists():
            subprocess.run(["cp", "-L", f"/{name}", root / name], check=True)
    for name in ("etc/apt/apt.conf.d", "etc/apt/sources.list.d", "usr/local/share/ca-certificates"):
        if pathlib.Path("/", name).is_dir():
            subprocess.run(["cp", "-rLT", f"/{name}", root / name], check=True)
    subprocess.run(["git", "-c", "safe.directory=*", "clone", "-q", "--bare", SOURCE, root / "srv/oneloop.git"], check=True)
    (root / "etc/gitconfig").write_text("[safe]\n\tdirectory = *\n")
    registry = subprocess.run(["npm", "config", "get", "registry"], check=False, capture_output=True, text=True).stdout
    (root / "home/you").mkdir()
    (root / "home/you/.npmrc").write_text(f"registry={registry}")


def answers():
    try:
        with urllib.request.urlopen("http://127.0.0.1:5000/status", timeout=5) as answer:
            return json.load(answer)["oneloop"]["tick"] > 2
    except (OSError, ValueError, KeyError):
        return False


def main():
    check_ports()
    place = pathlib.Path(tempfile.mkdtemp(prefix="oneloop-fresh-", dir="/var/tmp"))
    root = place / "root"
    try:
        make_root(root)
        inside = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "sh", "-c", ENTER, "sh", root]
        if "ONELOOP_FRESH_CACHE" in os.environ:
            shutil.copytree(os.environ["ONELOOP_FRESH_CACHE"], root / "home/you/.cache/ccache")
        subprocess.run([*inside, "sh", "-c", PREPARE], check=True)
        clone, server, test = lines_of_the_readme()
        passed_on = [f"{name}={os.environ[name]}" for name in
                     ("http_proxy", "https_proxy", "no_proxy", "NODE_EXTRA_CA_CERTS", "CMAKE_BUILD_PARALLEL_LEVEL",
                      "CCACHE_BASEDIR", "CCACHE_NOHASHDIR") if name in os.environ]
        typed = subprocess.Popen([*inside, "setpriv", "--reuid=you", "--regid=you", "--init-groups", "env", "-i",
                                  "HOME=/home/you", "USER=you", "LANG=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin", *passed_on, "bash", "-c",
                                  TYPED, "bash", clone.replace(CLONED_FROM, "file:///srv/oneloop.git"), server,
                                  test if "whole" in sys.argv[3:] else "true"])
        while typed.poll() is None:
            if not (root / "tmp/answers").exists() and answers():
                (root / "tmp/answers").touch()
            try:
                typed.wait(1)
            except subprocess.TimeoutExpired:
                pass
        return typed.returncode
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", place], check=False)


if __name__ == "__main__":
    booted.inside(main)
