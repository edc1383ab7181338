"""Posts bodies to a webhook door from a process of its own, as fast as answers come or at a fixed rate.

Bodies come from a file, one per line as `signature <tab> body`. Prints JSON: answered 200, others, how often which
status came, seconds, and the latencies' median and p99 in milliseconds. With --answered, the numbers of
the lines answered 200 go to a file.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import uvloop

HEAD = (
    b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Hub-Signature-256: %b\r\n"
    b"Content-Length: %d\r\n\r\n"
)
RETRY_S = 0.05


@dataclass(frozen=True)
class Answers:
    """What a door did with a load; times in seconds and milliseconds."""

    ok: int
    others: int
    statuses: dict[str, int]
    seconds: float
    median_ms: float
    p99_ms: float


@dataclass
class Run:
    """The requests that are left, and what became of those that were made."""

    requests: deque[tuple[int, bytes]]
    latencies: list[float] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


def post(url: str, bodies: Path, *, connections: int = 64, rate: int = 0, answered: Path | None = None) -> Answers:
    """Post every body of a file; `rate` per second, or as fast as answers come."""
    return finish(start(url, bodies, connections=connections, rate=rate, answered=answered))


def start(
    url: str, bodies: Path, *, connections: int = 64, rate: int = 0, answered: Path | None = None
) -> "subprocess.Popen[str]":
    """Begin to post; `finish` waits for the end."""
    arguments = [sys.executable, "-m", "benchmarks.load", url, str(bodies), str(connections), str(rate)]
    arguments += [str(answered)] if answered else []
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def finish(process: "subprocess.Popen[str]") -> Answers:
    """What the door did with the load."""
    out, _ = process.communicate()
    assert process.returncode == 0
    return Answers(**json.loads(out))


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request at a time."""

    def __init__(self) -> None:
        self.buffer = b""
        self.answer: asyncio.Future[int] | None = None
        self.is_open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(rest) >= length and self.answer and not self.answer.done():
            self.buffer = b""
            self.answer.set_result(int(head[9:12]))

    def connection_lost(self, _: Exception | None) -> None:
        self.is_open = False
        if self.answer and not self.answer.done():
            self.answer.set_exception(ConnectionError())

    async def ask(self, request: bytes) -> int:
        """The status of the answer; raises ConnectionError."""
        if not self.is_open:
            raise ConnectionError
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answer


async def _connect(host: str, port: int) -> Connection:
    while True:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(Connection, host, port)
        except OSError:
            await asyncio.sleep(RETRY_S)
        else:
            return connection


async def _work(run: Run, connection: Connection, host: str, port: int, started: float, rate: int) -> None:
    while run.requests:
        number, request = run.requests.popleft()
        # At a fixed rate the clock starts when the request was due: who comes late has waited.
        due = started + number / rate if rate else time.perf_counter()
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        try:
            status = await asyncio.wait_for(connection.ask(request), 15)
        except (ConnectionError, TimeoutError):
            # As Meta: what got no answer comes again.
            run.requests.append((number, request))
            connection.transport.close()
            connection = await _connect(host, port)
            continue
        run.latencies.append(time.perf_counter() - due)
        run.statuses[status] += 1
        if status == 200:
            run.answered.append(number)
    connection.transport.close()


async def _post(url: str, bodies: Path, connections: int, rate: int, answered: str | None) -> None:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    lines = (line.split(b"\t", 1) for line in bodies.read_bytes().splitlines())
    requests = [HEAD % (parts.path.encode(), sign, len(body)) + body for sign, body in lines]
    run = Run(deque(enumerate(requests)))
    # Before the clock starts: the first requests would wait for their connections, and the door for their backlog.
    opened = await asyncio.gather(*(_connect(parts.hostname, parts.port) for _ in range(connections)))
    started = time.perf_counter()
    await asyncio.gather(*(_work(run, one, parts.hostname, parts.port, started, rate) for one in opened))
    seconds = time.perf_counter() - started
    times = sorted(run.latencies)
    if answered:
        Path(answered).write_text("\n".join(map(str, run.answered)))
    print(
        json.dumps(
            {
                "ok": len(run.answered),
                "others": run.statuses.total() - run.statuses[200],
                "statuses": run.statuses,
                "seconds": seconds,
                "median_ms": times[len(times) // 2] * 1000,
                "p99_ms": times[len(times) * 99 // 100] * 1000,
            }
        )
    )


if __name__ == "__main__":
    address, file, many, fast, *kept = sys.argv[1:]
    uvloop.run(_post(address, Path(file), int(many), int(fast), kept[0] if kept else None))
