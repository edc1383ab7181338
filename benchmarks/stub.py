"""A server that answers every send at once or after a fixed time, and costs next to nothing: what clients are timed by.

It stands where Meta stands when the client's own speed is the question; the emulator would be the bottleneck there.
GET answers how many sends were accepted so far.
"""

import argparse
import asyncio
import itertools
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import uvloop

from config.localservices import ports

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
ACCEPTED = b'{"messaging_product":"whatsapp","contacts":[{"input":"x","wa_id":"x"}],"messages":[{"id":"wamid.%d"}]}'
accepted = itertools.count(1)
count = 0


class Connection(asyncio.Protocol):
    """One keep-alive connection: finds the end of each request and answers it after the delay."""

    delay_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.buffer = cast(asyncio.Transport, transport), b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            self._answer(is_send=head.startswith(b"post"))

    def _answer(self, *, is_send: bool) -> None:
        global count
        if not is_send:
            self._write(str(count).encode())
            return
        count += 1
        body = ACCEPTED % next(accepted)
        if self.delay_s:
            asyncio.get_running_loop().call_later(self.delay_s, self._write, body)
        else:
            self._write(body)

    def _write(self, body: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(HEAD % (len(body), body))


@contextmanager
def serving(delay_ms: int) -> Iterator[str]:
    """Run the server in a process of its own; yields its address."""
    port = ports.free()
    arguments = [sys.executable, "-m", "benchmarks.stub", "--port", str(port), "--delay-ms", str(delay_ms)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield f"http://{ports.ADDRESS}:{port}"
        finally:
            process.kill()


def accepted_by(url: str) -> int:
    """How many sends the server at this address has accepted."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        return int(answer.read())


async def _serve(port: int, delay_ms: int) -> None:
    Connection.delay_s = delay_ms / 1000
    server = await asyncio.get_running_loop().create_server(Connection, ports.ADDRESS, port, backlog=1024)
    print("up", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay-ms", type=int, default=0)
    options = parser.parse_args()
    uvloop.run(_serve(options.port, options.delay_ms))
