#!/usr/bin/python3
"""A real IMAP server (dovecot) as an ordinary user, for tests.

    imap_server.py DIRECTORY

Prints its port: TLS from the start, with DIRECTORY's cert.pem and key.pem. User "me", password "s3cret". What lies in
DIRECTORY/mail/.[Gmail].Sent Mail/cur (a Maildir) is what the folder "[Gmail]/Sent Mail" shows. DIRECTORY/mail is a link.
Ends with its standard input.
"""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

PR_SET_PDEATHSIG = 1  # linux/prctl.h

directory = sys.argv[1]
me = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
group = subprocess.run(["id", "-gn", me.pw_name], capture_output=True, text=True, check=True).stdout.strip()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def give(path):
    if os.geteuid() == 0:
        os.chown(path, me.pw_uid, me.pw_gid)


def drop():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(me.pw_gid)
        os.setuid(me.pw_uid)
    # Whoever started us may kill us. After the change of user, which takes it away: prctl(2).
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def main():
    home = tempfile.mkdtemp(prefix="oneloop-imap-")
    give(home)
    for name in ("run", "mail", "mail/.[Gmail].Sent Mail", *(f"mail/.[Gmail].Sent Mail/{part}" for part in ("cur", "new", "tmp"))):
        os.mkdir(f"{home}/{name}")
        give(f"{home}/{name}")
    for name in ("cert.pem", "key.pem"):
        shutil.copy(f"{directory}/{name}", f"{home}/{name}")
        give(f"{home}/{name}")
    os.symlink(f"{home}/mail", f"{directory}/mail")
    port = free_port()
    with open(f"{home}/dovecot.conf", "w", encoding="ascii") as file:
        file.write(f"""
base_dir = {home}/run
state_dir = {home}/run
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {me.pw_name}
default_internal_group = {group}
default_login_user = {me.pw_name}
first_valid_uid = 1
ssl = required
ssl_cert = <{home}/cert.pem
ssl_key = <{home}/key.pem
mail_location = maildir:{home}/mail
namespace inbox {{
  inbox = yes
  separator = /
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
passdb {{
  driver = static
  args = user=me password=s3cret
}}
userdb {{
  driver = static
  args = uid={me.pw_uid} gid={me.pw_gid} home={home}
}}
""")
    server = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", f"{home}/dovecot.conf"], preexec_fn=drop, cwd=home,
                              stdin=subprocess.DEVNULL, stdout=sys.stderr)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if server.poll() is not None:
                    with open(f"{home}/log", errors="replace", encoding="utf-8") as log:
                        sys.exit(f"dovecot does not start: {log.read()}")
        print(port, flush=True)
        sys.stdin.read()
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(home, ignore_errors=True)


main()
