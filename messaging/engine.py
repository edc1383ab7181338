"""What a worker process keeps between its sending tasks: loop, threads, HTTP client and Redis connection."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import redis.asyncio
import uvloop
from django.conf import settings
from django.db import connections
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from messaging.budget import TIMEOUTS
from messaging.leases import Others
from messaging.sending import SPARE, Sender
from whatsapp import bulk

THREADS = 4
# Redis that drops its clients or restarts is back within a second or two.
TRIES = 4
BACKOFF = ExponentialWithJitterBackoff(base=0.05, cap=1)


class Engine:
    """One for each process, made after the fork; `call_others` wakes another where there is too much for one."""

    def __init__(self, call_others: Callable[[], Any] = lambda: None) -> None:
        self.loop = uvloop.new_event_loop()
        # One claims while another records; each keeps a database connection between tasks.
        self.threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="outbox")
        self.http: httpx.AsyncBaseTransport | None = None
        self.cache: redis.asyncio.Redis | None = None
        self.others = Others(call_others)

    def run(self, seconds: float, call_next: Callable[[], Any] = lambda: None) -> None:
        """Send for up to some seconds; calls the next sender when more may be due then."""
        self.loop.run_until_complete(self._run(seconds, call_next))

    async def _run(self, seconds: float, call_next: Callable[[], Any]) -> None:
        self.http = self.http or bulk.open_transport(connections=bulk.CONNECTIONS + SPARE)
        self.cache = self.cache or redis.asyncio.Redis.from_url(
            settings.REDIS_URL, retry=Retry(BACKOFF, TRIES), **TIMEOUTS
        )
        await Sender(self.http, self.cache, self.threads, self.others, seconds, call_next).run()

    def close(self) -> None:
        """Close what is open; for tests and the end of a process."""
        if self.http:
            self.loop.run_until_complete(self.http.aclose())
        if self.cache:
            self.loop.run_until_complete(self.cache.aclose())
        self.loop.close()
        self._close_threads()

    def _close_threads(self) -> None:
        """Close every thread's database connection: each waits for the others, so that none does it twice."""
        together = threading.Barrier(THREADS)

        def close() -> None:
            connections.close_all()
            together.wait(timeout=10)

        for done in [self.threads.submit(close) for _ in range(THREADS)]:
            done.result()
        self.threads.shutdown()
