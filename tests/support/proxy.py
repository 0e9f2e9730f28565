"""Debian's tinyproxy for tests: proxy.py DIRECTORY USER:PASSWORD

Prints its port. DIRECTORY gets journal, with a line for each request. Ends with its standard
input. Without a user everybody may use it.
"""

import pathlib
import socket
import subprocess
import sys
import time

directory, user = pathlib.Path(sys.argv[1]), sys.argv[2]


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
                                 stdin=subprocess.DEVNULL, stdout=sys.stderr)
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
