"""The program with the bug, as people write it: a thread at module level, then app.run(debug=True)."""

import os
import threading
import time

from flask import Flask

app = Flask(__name__)
LOG = os.environ["POLL_LOG"]
STARTED = time.monotonic_ns()  # tells processes apart, whatever pids they see


def check_loop():
    while True:
        with open(LOG, "a") as log:
            log.write(f"POLL process={STARTED} at={time.monotonic_ns()}\n")
        time.sleep(0.05)


threading.Thread(target=check_loop, daemon=True).start()


@app.route("/")
def index():
    return f"version 1 pid {os.getpid()}"


if __name__ == "__main__":
    app.run(debug=True, port=int(os.environ.get("PORT", "5000")))
