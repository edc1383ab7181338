"""Group commit: one INSERT in flight, whoever arrives meanwhile shares the next, and everybody waits for COMMIT."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import ParamSpec, TypeVar

from django.db import Error as DatabaseError
from django.db import connection

from inbox import recording
from inbox.recording import Received, Refused

P = ParamSpec("P")
T = TypeVar("T")

# One statement: more rows would only make the first of them wait longer.
MOST_ROWS = 500
MOST_BYTES = 8 * 1024 * 1024
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


class Committer:
    """Writes bodies through one database connection in one thread; `on_commit` is called after each COMMIT."""

    def __init__(self, on_commit: Callable[[], None]) -> None:
        self._on_commit = on_commit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="committer")
        self._waiting: dict[asyncio.Future[None], Received] = {}
        self._writer: asyncio.Task[None] | None = None
        self._pause = 0.0
        self._away_until = 0.0

    async def commit(self, received: Received) -> None:
        """Return once the body is durable; raises django.db.Error or Refused(503) while the database is away."""
        if time.monotonic() < self._away_until:
            raise Refused(503)
        future = asyncio.get_running_loop().create_future()
        self._waiting[future] = received
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        try:
            await future
        finally:
            # Whoever gave up waiting comes again; a database that hangs must not fill the memory.
            self._waiting.pop(future, None)

    async def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a read in the thread that owns the connection; raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: _with_fresh_connection(lambda: work(*args, **kwargs))
        )

    async def finish(self) -> None:
        """Write what still waits and close the connection."""
        if self._writer and not self._writer.done():
            await asyncio.wait([self._writer])
        await self.in_thread(lambda: connection.close())

    async def _write(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            try:
                await self.in_thread(recording.store, [received for received, _ in batch])
            except Exception as error:
                # Whoever waits learns what happened, whatever it was.
                self._back_off()
                _settle(batch, error)
            else:
                self._pause = self._away_until = 0.0
                _settle(batch, None)
                self._on_commit()

    def _next_batch(self) -> list[tuple[Received, asyncio.Future[None]]]:
        size, count = 0, 0
        for received in islice(self._waiting.values(), MOST_ROWS):
            size += len(received.body)
            if count and size > MOST_BYTES:
                break
            count += 1
        return [(self._waiting.pop(future), future) for future in list(islice(self._waiting, count))]

    def _back_off(self) -> None:
        # A database that is starting up must not be asked by every webhook that Meta repeats.
        self._pause = min(max(self._pause * 2, SHORTEST_PAUSE), LONGEST_PAUSE)
        self._away_until = time.monotonic() + self._pause


def _with_fresh_connection(work: Callable[[], T]) -> T:
    try:
        return work()
    except DatabaseError:
        # Whatever happened, the next one starts on a new connection.
        connection.close()
        raise


def _settle(batch: list[tuple[Received, asyncio.Future[None]]], error: Exception | None) -> None:
    for _, future in batch:
        # Whoever gave up waiting has cancelled the future.
        if future.done():
            continue
        if error:
            future.set_exception(error)
        else:
            future.set_result(None)
