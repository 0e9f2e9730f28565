"""Debian's tinyproxy for tests: proxy.py DIRECTORY USER:PASSWORD

Prints its port. DIRECTORY gets journal, with a line for each request. Ends with its standard
input. Without a user everybody may use it.
"""

import ctypes
import pathlib
import signal
import socket
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1  # linux/prctl.h

directory, user = pathlib.Path(sys.argv[1]), sys.argv[2]


def end_with_us():
    """Whoever started us may kill us before we can end the proxy."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start():
    """A port that is free is somebody else's a moment later, now and then."""
    for _ in range(5):
        port = free_port()
        settings = [f"Port {port}", "Listen 127.0.0.1", "Timeout 30", "MaxClients 10", "LogLevel Connect",
                    f'LogFile "{directory}/journal"']
        if user:
            settings.append("BasicAuth " + user.replace(":", " "))
        (directory / "tinyproxy.conf").write_text("\n".join(settings) + "\n")
        proxy = subprocess.Popen(["/usr/bin/tinyproxy", "-d", "-c", str(directory / "tinyproxy.conf")],
                                 stdin=subprocess.DEVNULL, stdout=sys.stderr, preexec_fn=end_with_us)
        while proxy.poll() is None:
            if answers(port):
                return proxy, port
            time.sleep(0.02)
    sys.exit("tinyproxy does not start")


proxy, port = start()
print(port, flush=True)
sys.stdin.read()
proxy.terminate()
proxy.wait()
