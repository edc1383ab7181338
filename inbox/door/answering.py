"""Answers one HTTP request of Meta's: reads the body within limits, verifies it, waits for the commit."""

import logging
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError

from inbox import recording
from inbox.door.bell import Bell
from inbox.door.committing import Committer
from inbox.door.patience import Patience
from inbox.recording import App, Refused
from tenants import wall

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PATH = "/webhooks/whatsapp"
# Bodies held in memory at once, being read or waiting for their commit; beyond it Meta is asked to come again.
MOST_BYTES = 256 * 1024 * 1024
# Meta gives up after about ten seconds and sends again.
SLOWEST_SECONDS = 10

logger = logging.getLogger(__name__)


class Door:
    """The ASGI application: `GET` handshake and `POST` events for the shared app and for tenants' own apps."""

    def __init__(self, slowest_seconds: float = SLOWEST_SECONDS) -> None:
        # Once, because a look into Django's settings costs as much as a signature.
        self._shared_app = recording.shared_app()
        self._bell = Bell()
        self._committer = Committer(self._bell.ring)
        self._patience = Patience(slowest_seconds)
        self._held = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            status, body = await self._answer(scope, receive)
            await _respond(send, status, body)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._committer.finish()
            elif fault := await self._fault():
                await send({"type": "lifespan.startup.failed", "message": fault})
                return
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _fault(self) -> str:
        """Why the door must stay shut: it would store bodies behind no wall."""
        try:
            await self._committer.in_thread(wall.insist)
        except ImproperlyConfigured as fault:
            return str(fault)
        return ""

    async def _answer(self, scope: Message, receive: Receive) -> tuple[int, bytes]:
        try:
            with self._patience:
                return 200, await self._serve(scope, receive)
        except Refused as refused:
            return refused.status, b""
        except TimeoutError:
            return 503, b""
        except DatabaseError as error:
            # Its text may quote the statement and with it the body.
            logger.warning("webhook not stored: %s", type(error).__name__)
            return 503, b""

    async def _serve(self, scope: Message, receive: Receive) -> bytes:
        if scope["path"] == "/healthz":
            return b"ok"
        if scope["path"] == "/readyz":
            return await self._ready()
        app = await self._app(scope["path"])
        if scope["method"] == "GET":
            query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
            return recording.challenge(app, query).encode()
        if scope["method"] != "POST":
            raise Refused(405)
        headers = dict(scope["headers"])
        body = bytearray()
        try:
            await self._read(receive, headers, body)
            header = headers.get(b"x-hub-signature-256", b"").decode("latin-1")
            await self._committer.commit(recording.verified(app, bytes(body), header))
        finally:
            self._held -= len(body)
        return b""

    async def _ready(self) -> bytes:
        """Through the thread that commits, so it also tells when commits no longer end."""
        if await self._committer.in_thread(wall.fault):
            raise Refused(503)
        return b"ready"

    async def _app(self, path: str) -> App | None:
        if not path.startswith(PATH):
            raise Refused(404)
        rest = path.removeprefix(PATH).strip("/")
        if not rest:
            return self._shared_app
        try:
            account_uid = uuid.UUID(rest)
        except ValueError:
            raise Refused(404) from None
        return await self._committer.in_thread(recording.own_app, account_uid)

    async def _read(self, receive: Receive, headers: dict[bytes, bytes], body: bytearray) -> None:
        if int(headers.get(b"content-length", b"0") or 0) > recording.LARGEST:
            raise Refused(413)
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(400)
            chunk = message.get("body", b"")
            body += chunk
            self._held += len(chunk)
            if len(body) > recording.LARGEST:
                raise Refused(413)
            if self._held > MOST_BYTES:
                raise Refused(503)
            more = message.get("more_body", False)


async def _respond(send: Send, status: int, body: bytes) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


application = Door()
