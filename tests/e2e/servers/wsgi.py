"""A WSGI application as people write it; served by gunicorn."""

import os


def app(environ, start_response):
    body = f"version 1 pid {os.getpid()}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
