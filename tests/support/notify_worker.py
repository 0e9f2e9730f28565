"""A worker in another language, speaking to its supervisor by nothing but the protocol's text:
NOTIFY_SOCKET is a datagram socket, "@" stands for the zero byte of an abstract name.

notify_worker.py DIRECTORY: ready once DIRECTORY/ready exists, then a sign of life each 50 ms as
long as DIRECTORY/hang does not. It tries to have descriptors kept, and to give itself another pid.
"""
import array
import os
import socket
import sys
import time

directory = sys.argv[1]
address = os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1)
period = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.connect(address)


def exists(name):
    return os.path.exists(os.path.join(directory, name))


def keep_descriptors():
    """FDSTORE=1 with as many descriptors as come along with a message of systemd's."""
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(8)]
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", held))
    for _ in range(50):
        manager.sendmsg([b"FDSTORE=1\nFDNAME=kept"], [rights])
    for fd in held:
        os.close(fd)


manager.send(f"STATUS=starting with a watchdog of {period:g}s\nMAINPID=1".encode())
keep_descriptors()
while not exists("ready"):
    time.sleep(0.01)
manager.send("READY=1\nSTATUS=schöne Grüße, 준비됨".encode())
while True:
    if not exists("hang"):
        manager.send(b"WATCHDOG=1")
    time.sleep(0.05)
