"""An ASGI application as people write it; served by uvicorn."""

import os


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("only HTTP")  # uvicorn then goes on without lifespan
    body = f"version 1 pid {os.getpid()}".encode()
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-type", b"text/plain"),
                            (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
