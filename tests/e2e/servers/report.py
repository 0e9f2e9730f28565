"""A worker that writes down what it and a child of it see: environment and open descriptors.
report.py FILE"""

import json
import os
import subprocess
import sys
import time

LOOK = """
import json, os, sys
fds = {}
for fd in os.listdir('/proc/self/fd'):
    try:
        fds[fd] = os.readlink('/proc/self/fd/' + fd)
    except OSError:
        pass  # that of the listing itself
print(json.dumps({'pid': os.getpid(), 'environment': dict(os.environ), 'fds': fds}))
"""
own = {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
       if os.path.islink(f"/proc/self/fd/{fd}")}
child = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, check=True).stdout
with open(sys.argv[1] + ".new", "w") as file:
    json.dump({"pid": os.getpid(), "environment": dict(os.environ), "fds": own,
               "child": json.loads(child)}, file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
