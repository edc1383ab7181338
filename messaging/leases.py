"""Whose turn it is to send on a number: a lease in Redis, of which a killed process leaves some seconds at most.

One spender for each number keeps its bucket fair; a lease that Redis loses costs nothing but order.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable
from typing import Any

import redis.asyncio

LASTS_S = 5
# A number that is left to other processes is taken by one that is called, or that beat wakes each second. Where none
# comes, this one is alone, and asks again a minute later.
OTHERS_HAVE_S = 1.5
ALONE_FOR_S = 60.0
# A claim may take longer than its lease lasts: then the next one has it, and the first touches it no more.
# KEYS: the lease. ARGV: who asks, seconds.
PROLONG = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('EXPIRE', KEYS[1], ARGV[2]) end"
FREE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class Lease:
    """The lease of one number, as this process asks for it; its value tells operators, and benchmarks, who sends."""

    def __init__(self, cache: "redis.asyncio.Redis", number_id: int) -> None:
        self._cache = cache
        self._prolong, self._free = cache.register_script(PROLONG), cache.register_script(FREE)
        self._key, self._holder = f"zusage:lane:{number_id}", f"{socket.gethostname()}:{os.getpid()}"

    async def take(self) -> bool:
        """Whether nobody had it: this process has it now."""
        return bool(await self._cache.set(self._key, self._holder, nx=True, ex=LASTS_S))

    async def prolong(self) -> None:
        """Keep it for as long again, if it is still this process'."""
        await self._prolong(keys=[self._key], args=[self._holder, LASTS_S])

    async def free(self) -> None:
        """Let another have it, if it is still this process'."""
        await self._free(keys=[self._key], args=[self._holder])


class Others:
    """Whether other processes take the numbers that this one leaves to them; kept between its tasks.

    `call` wakes one of them, and may wait for Redis.
    """

    def __init__(self, call: Callable[[], Any] = lambda: None) -> None:
        self._call = call
        self._left: dict[int, float] = {}
        self._awake_until = self._alone_until = 0.0

    def begin(self) -> None:
        """Forget, at the start of a task, which numbers were left long before; others are not waited for once more."""
        now = time.monotonic()
        self._left = {number_id: at for number_id, at in self._left.items() if now - at < OTHERS_HAVE_S}

    async def may_have(self, number_id: int) -> bool:
        """Whether to leave this number, which is due, to them for now; calls one if none is known to be awake."""
        now = time.monotonic()
        if now < self._alone_until:
            return False
        if number_id not in self._left:
            self._left[number_id] = now
            await self._call_one_unless_awake(now)
        elif now - self._left[number_id] >= OTHERS_HAVE_S:
            # The others keep their time: a number that somebody has must not make one wait that nobody takes.
            del self._left[number_id]
            self._alone_until = now + ALONE_FOR_S
            return False
        return True

    async def _call_one_unless_awake(self, now: float) -> None:
        if now >= self._awake_until:
            self._awake_until = now + OTHERS_HAVE_S
            await asyncio.to_thread(self._call)

    def saw(self, number_id: int, *, is_mine: bool) -> None:
        """Note who has a number now: this process, or another, so that there are others."""
        self._left.pop(number_id, None)
        if not is_mine:
            self._alone_until = 0.0
            self._awake_until = time.monotonic() + OTHERS_HAVE_S
