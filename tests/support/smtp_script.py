#!/usr/bin/python3
"""An SMTP server that breaks an exchange where it is told to.

    smtp_script.py JOURNAL MODE

Prints its port. Each line of JOURNAL is one fact: "connect", "mail", "rcpt", "data", "dot" (the end of a payload arrived),
"accepted SHA256 MESSAGE-ID", "answered", "quit". MODE is read from the file MODE before each connection, so that a test can
change it:

    accept                   the usual way
    refuse-connection        accepted by the kernel and closed at once
    greet-554 greet-silent   554 instead of a greeting; none
    mail-451 mail-close      and the same for rcpt-, data-
    rcpt-450 rcpt-550 data-451 data-554
    body-close               closes after the first KiB of the payload
    dot-close                reads the whole payload, keeps it, closes without an answer
    lost-close               reads the whole payload, keeps nothing, closes without an answer
    dot-silent               keeps it, and says nothing until the client goes
    dot-451 dot-554          refuses it after the end
    dot-slow                 keeps it and answers after SLOW seconds
    quit-silent              as accept, and QUIT gets no answer
    hold-mail hold-rcpt hold-data   notes "held", and says nothing until the client goes or the mode is end-held
    end-held                 as accept

Ends with its standard input.
"""

import hashlib
import os
import re
import socket
import sys
import threading

SLOW = 1.0
journal_path, mode_path = sys.argv[1], sys.argv[2]
journal = open(journal_path, "ab", buffering=0)
lock = threading.Lock()


def note(text):
    with lock:
        journal.write(text.encode() + b"\n")


def mode_now():
    with open(mode_path) as file:
        return file.read().strip()


def keep(payload):
    found = re.search(rb"(?im)^message-id: *(\S+)", payload)
    name = found.group(1).decode() if found else "-"
    note(f"accepted {hashlib.sha256(payload).hexdigest()} {name}")


def wait_for_end(connection, mode=None):
    """Until the client goes, or the mode is this one."""
    connection.settimeout(0.05 if mode else None)
    while True:
        try:
            if not connection.recv(65536):
                return
        except TimeoutError:
            if mode_now() == mode:
                return


class Session:
    def __init__(self, connection):
        self.connection = connection
        self.mode = mode_now()
        self.buffer = b""

    def say(self, text):
        self.connection.sendall(text.encode() + b"\r\n")

    def line(self):
        while b"\r\n" not in self.buffer:
            more = self.connection.recv(65536)
            if not more:
                raise ConnectionError
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode(errors="replace")

    def payload(self):
        if self.mode == "body-close":
            while len(self.buffer) < 1024:
                more = self.connection.recv(65536)
                if not more:
                    break
                self.buffer += more
            raise ConnectionError
        while b"\r\n.\r\n" not in self.buffer:
            more = self.connection.recv(65536)
            if not more:
                raise ConnectionError
            self.buffer += more
        payload, self.buffer = self.buffer.split(b"\r\n.\r\n", 1)
        note("dot")
        return payload.replace(b"\r\n..", b"\r\n.") + b"\r\n"

    def answer(self, command, usual):
        if self.mode == command + "-close":
            raise ConnectionError
        if self.mode == "hold-" + command:
            note("held")
            wait_for_end(self.connection, "end-held")
            note("hung up")
            raise ConnectionError
        if self.mode.startswith(command + "-4") or self.mode.startswith(command + "-5"):
            self.say(self.mode.split("-")[1] + " as told")
            return False
        self.say(usual)
        return True

    def data(self):
        if not self.answer("data", "354 go on"):
            return
        payload = self.payload()
        if self.mode in ("dot-451", "dot-554"):
            self.say(self.mode.split("-")[1] + " as told")
            return
        if self.mode != "lost-close":
            keep(payload)
        if self.mode in ("dot-close", "lost-close"):
            raise ConnectionError
        if self.mode == "dot-silent":
            wait_for_end(self.connection)
            raise ConnectionError
        if self.mode == "dot-slow":
            threading.Event().wait(SLOW)
        self.say("250 2.0.0 kept")
        note("answered")

    def run(self):
        note("connect")
        if self.mode == "refuse-connection":
            return
        if self.mode == "greet-silent":
            wait_for_end(self.connection)
            return
        if self.mode == "greet-554":
            self.say("554 as told")
            return
        self.say("220 script")
        while True:
            verb = self.line().split(" ")[0].split(":")[0].lower()
            if verb in ("mail", "rcpt", "data", "quit"):
                note(verb)
            if verb == "ehlo":
                self.say("250-script\r\n250 8BITMIME")
            elif verb in ("mail", "rcpt"):
                self.answer(verb, "250 ok")
            elif verb == "data":
                self.data()
            elif verb == "quit":
                if self.mode == "quit-silent":
                    wait_for_end(self.connection)
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


def serve(connection):
    with connection:
        try:
            Session(connection).run()
        except OSError:
            pass


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


main()
