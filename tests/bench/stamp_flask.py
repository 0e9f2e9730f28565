"""As stamp.c, for Werkzeug's reloader, which watches what the program itself has loaded.

    stamp_flask.py own|none      with its own reloader, or none: then somebody else watches
"""

import time

NOW = time.monotonic_ns()

import fcntl
import glob
import os
import sys

OWN = sys.argv[1] == "own"

# With a reloader of its own the program runs twice, and only the second one works.
if not OWN or os.environ.get("WERKZEUG_RUN_MAIN") == "true":
    STAMPS = open(os.environ["ONELOOP_BENCH_STAMPS"], "ab", buffering=0)
    OVERLAP = 0
    try:
        fcntl.flock(STAMPS, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        OVERLAP = 1
    STAMPS.write(f"{NOW:020} {os.getpid():010} {OVERLAP}\n".encode())

from flask import Flask

Flask(__name__).run(port=0, use_reloader=OWN, debug=OWN,
                    extra_files=glob.glob(os.path.abspath("d*/*")) if OWN else None)
