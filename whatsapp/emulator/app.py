"""The emulator as an ASGI app: reads requests, checks the token, answers, plays the network's faults."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from whatsapp.emulator import administration, files
from whatsapp.emulator.answers import Answer, Failure, refusal
from whatsapp.emulator.control import Control
from whatsapp.emulator.keeping import Keeper
from whatsapp.emulator.people import People
from whatsapp.emulator.profile import Profile
from whatsapp.emulator.routes import Graph, Request
from whatsapp.emulator.sending import Sending
from whatsapp.emulator.state import World
from whatsapp.emulator.webhooks import Webhooks
from whatsapp.signature import app_secret_proof

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
# Meta's largest document, and a form around it.
MOST_BODY = 101 * 1024 * 1024


class Emulator:
    """One emulated Meta: an ASGI app with its world, its people and its webhooks.

    What was registered is kept in the file `state`, if one is named; raises `Unreadable` for any other file
    and `OSError` if it cannot be written.
    """

    def __init__(
        self, profile: Profile | None = None, webhook_url: str = "", app_secret: str = "", state: Path | None = None
    ) -> None:
        self.world = World(profile or Profile(), webhook_url, app_secret)
        self.webhooks = Webhooks(self.world)
        self.people = People(self.world, self.webhooks)
        self.graph = Graph(self.world, self.people, Sending(self.world, self.people))
        self.control = Control(self.world, self.people, self.webhooks)
        self.keeper = Keeper(self.world, self.people, state) if state else None
        self._running: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or start and stop with the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        works = [self.people.run(), self.webhooks.run(), *([self.keeper.run()] if self.keeper else [])]
        self._running = [asyncio.create_task(work) for work in works]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        try:
            if self.keeper:
                self.keeper.keep()
        finally:
            await self.people.clicker.close()
            await self.webhooks.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, await _body(receive))
        except Failure as failure:
            self.world.tally(f"refused_{failure.code}")
            answer = refusal(failure)
        except (TypeError, AttributeError, KeyError, IndexError, ValueError) as error:
            # A body of a shape nobody checked for: Meta would call it an invalid parameter as well.
            answer = refusal(Failure(100, f"Invalid parameter: {type(error).__name__}"))
        if answer.wait_s:
            await _wait(receive, answer.wait_s)
        if answer.fault != "hang":
            await _respond(send, answer)

    async def _answer(self, scope: Scope, raw: bytes) -> Answer:
        parts = scope["path"].strip("/").split("/")
        asked = scope["query_string"]
        query = dict(parse_qsl(asked.decode("latin-1"), keep_blank_values=True)) if asked else {}
        if parts[0] == "_emulator":
            return await self.control.take(scope["method"], parts[1:], query, raw)
        if parts[0] == "_qr" and len(parts) == 2:
            return administration.qr_image(self.world, parts[1])
        headers = dict(scope["headers"])
        token = self._authenticate(headers.get(b"authorization", b"").decode("latin-1"), query)
        if parts[0][:1] == "v" and parts[0][1:2].isdigit():
            parts = parts[1:]
        if parts[0] == "_media" and len(parts) == 2:
            return files.download(self.world, parts[1])
        if "appsecret_proof" in query:
            self._check_proof(token, parts[0], query["appsecret_proof"])
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        return self.graph.take(Request(scope["method"], scope["path"], parts, query, content_type, raw))

    def _authenticate(self, header: str, query: dict[str, str]) -> str:
        kind, _, token = header.partition(" ")
        if kind.lower() not in ("bearer", "oauth"):
            token = query.get("access_token", "")
        known = self.world.profile.tokens
        if not token or (known and token not in known):
            raise Failure(190, "Invalid OAuth access token - Cannot parse access token")
        return token

    def _check_proof(self, token: str, node: str, proof: str) -> None:
        """Raise `Failure` 100, as Meta does, unless the secret of the app behind the node made the proof."""
        secret = self.world.secret_for(node)
        if secret and proof != _proof(secret, token):
            raise Failure(100, "Invalid appsecret_proof provided in the API argument")


@lru_cache(maxsize=1000)
def _proof(secret: str, token: str) -> str:
    return app_secret_proof(secret, token)


async def _body(receive: Receive) -> bytes:
    """The whole body; raises `Failure` for one larger than any call takes, once it has come."""
    message = await receive()
    chunks: list[bytes] = [message.get("body", b"")]
    size = len(chunks[0])
    while message.get("more_body"):
        message = await receive()
        size += len(message.get("body", b""))
        # Read to its end, because only then do clients look for an answer, but not kept.
        if size <= MOST_BODY:
            chunks.append(message.get("body", b""))
    if size > MOST_BODY:
        raise Failure(131053, f"Media upload error: a request has at most {MOST_BODY} bytes.", status=413)
    return b"".join(chunks) if len(chunks) > 1 else chunks[0]


async def _wait(receive: Receive, seconds: float) -> None:
    """Wait, but no longer than somebody listens."""
    with suppress(TimeoutError):
        await asyncio.wait_for(receive(), seconds)


async def _respond(send: Send, answer: Answer) -> None:
    promised = len(answer.body) + (1 if answer.fault == "reset" else 0)
    headers = [(b"content-type", answer.content_type), (b"content-length", str(promised).encode()), *answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.fault != "reset":
        await send({"type": "http.response.body", "body": answer.body})
