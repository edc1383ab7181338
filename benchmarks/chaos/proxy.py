"""A TCP way from the sender to Meta that goes bad: answers drip, connections are reset, with TLS or not."""

import asyncio
import random
import socket
import ssl
import struct
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from config.localservices import ports

DRIP_S = 0.25
# Longer than any answer that is not held back, and longer than senders wait (stage.PATIENCE).
HELD_BACK = {"slow": 1.0, "none": 3.0}
AT_ONCE = struct.pack("ii", 1, 0)


class Proxy:
    """Passes requests on to `target` and answers back, but for the `shares` that go bad; a thread of its own.

    Kinds: "drip" answers a byte at a time, "cut" resets in the middle of the answer, "drop" resets once the request
    was read and passes nothing on, "handshake" (with TLS, once a connection) resets after the client's first bytes.

    `counts` says how often each of them happened, and what the target did by itself: "200" and other statuses, "slow"
    answers, "none" soon enough for anybody to wait for it, and "broken" ones.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, seed: int = 1) -> None:
        self.target = ""
        self.shares: dict[str, float] = {}
        self.counts: Counter[str] = Counter()
        self._tls, self._dice = tls, random.Random(seed)
        self._tasks: set[asyncio.Task[None] | None] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._listener = ports.listen(ports.free())

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http{'s' if self._tls else ''}://{ports.ADDRESS}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        starting = asyncio.start_server(self._serve, sock=self._listener)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        tasks = [task for task in self._tasks if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward: asyncio.StreamWriter | None = None
        # The loop itself holds its tasks weakly.
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            if self._tls and self._falls() == "handshake":
                await reader.read(64)
                return
            if self._tls:
                await writer.start_tls(self._tls)
            place = urlsplit(self.target)
            back, onward = await asyncio.open_connection(place.hostname, place.port)
            while request := await _message(reader):
                kind = self._falls()
                if kind == "drop":
                    return
                onward.write(request)
                answer = await self._answered(back)
                if not answer or kind == "cut":
                    writer.write(answer[: len(answer) // 2])
                    await writer.drain()
                    return
                await self._answer(writer, answer, slowly=kind == "drip")
        except OSError:
            return
        finally:
            self._tasks.discard(task)
            _reset(writer)
            if onward:
                onward.transport.abort()

    async def _answered(self, back: asyncio.StreamReader) -> bytes:
        """The target's answer, counted; empty if it broke off."""
        waits = [self._loop.call_later(after_s, self.counts.update, [what]) for what, after_s in HELD_BACK.items()]
        try:
            answer = await _message(back)
        finally:
            for wait in waits:
                wait.cancel()
        self.counts[answer[9:12].decode() if answer else "broken"] += 1
        return answer

    async def _answer(self, writer: asyncio.StreamWriter, answer: bytes, *, slowly: bool) -> None:
        pieces = [answer[at : at + 1] for at in range(len(answer))] if slowly else [answer]
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(DRIP_S if slowly else 0)

    def _falls(self) -> str:
        roll = self._dice.random()
        for kind, share in self.shares.items():
            roll -= share
            if roll < 0:
                self.counts[kind] += 1
                return kind
        return ""


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A context for a server on this machine, and the file of the authority that a client must trust for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "chaos")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(ports.ADDRESS))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "authority.pem", folder / "server.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    private.touch(0o600)
    private.write_bytes(secret + public.read_bytes())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(private)
    return context, public


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One request or answer with its body; empty if the other side has closed before its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        return head + await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        return b""


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close without saying goodbye: what is on its way is thrown away, and the other side gets a reset."""
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    writer.transport.abort()
