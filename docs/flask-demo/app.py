"""A Flask program with the bug, as people write it: a thread at module level, then debug mode.

    python3 app.py                                        the loop runs twice
    supervisor --flask --watch -- python3 app.py          the loop runs once
"""

import os
import threading
import time

from flask import Flask

app = Flask(__name__)


def check_loop():
    while True:
        print(f"check_loop in pid {os.getpid()}", flush=True)
        time.sleep(1)


threading.Thread(target=check_loop, daemon=True).start()


@app.route("/")
def index():
    return f"served by pid {os.getpid()}\n"


if __name__ == "__main__":
    app.run(debug=True)
