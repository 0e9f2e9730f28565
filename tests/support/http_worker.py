"""A worker that serves HTTP on the socket it was handed, one request at a time, and finishes the
one at hand when told to stop. Writes when it started and ended: http_worker.py LOG."""

import os
import signal
import socket
import sys

stopping = False


def stop(number, frame):
    global stopping
    stopping = True


def log(text):
    with open(sys.argv[1], "a") as file:
        file.write(f"{text} pid={os.getpid()} generation={os.environ['ONELOOP_GENERATION']}\n")


def serve(client):
    with client:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = client.recv(4096)
            if not piece:
                return
            data += piece
        body = os.environ["ONELOOP_GENERATION"].encode()
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                       % (len(body), body))


signal.signal(signal.SIGTERM, stop)
listener = socket.socket(fileno=3)
listener.settimeout(0.05)  # sets O_NONBLOCK on what is shared with the next worker
log("START")
while not stopping:
    try:
        accepted, _ = listener.accept()
    except (socket.timeout, BlockingIOError):
        continue
    accepted.settimeout(None)
    serve(accepted)
log("STOP")
