#!/usr/bin/python3
"""A real SMTP server (aiosmtpd) with TLS and passwords, for tests.

    smtp_server.py DIRECTORY starttls|smtps|plain

Prints its port. DIRECTORY gets cert.pem (made by the test), mail-N.eml for each message that was accepted, with the envelope in
front, and log. Only user "me" with password "s3cret" may send, and with starttls only after STARTTLS. Ends with its standard
input.
"""

import asyncio
import os
import ssl
import sys
import threading

from aiosmtpd.smtp import SMTP, AuthResult

directory, kind = sys.argv[1], sys.argv[2]


class Keeper:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        part = os.path.join(directory, "part")
        with open(part, "wb") as file:
            file.write(f"X-From: {envelope.mail_from}\r\nX-To: {','.join(envelope.rcpt_tos)}\r\n"
                       f"X-TLS: {session.ssl is not None or kind == 'smtps'}\r\n"
                       f"X-Auth: {session.authenticated}\r\n".encode())
            file.write(envelope.original_content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(part, os.path.join(directory, f"mail-{self.count}.eml"))
        return "250 2.0.0 kept"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == b"me" and data.password == b"s3cret"
    return AuthResult(success=good, handled=good)


def context():
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem"))
    return made


async def main():
    keeper = Keeper()
    more = {"tls_context": context(), "require_starttls": True} if kind == "starttls" else {}

    def make():
        return SMTP(keeper, hostname="localhost", authenticator=authenticate,
                    auth_required=kind != "plain", auth_require_tls=kind == "starttls", loop=loop, **more)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(make, "127.0.0.1", 0,
                                      ssl=context() if kind == "smtps" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    await server.serve_forever()


asyncio.run(main())
