"""Whose turn it is to send on a number: a lease in Redis, of which a killed process leaves some seconds at most.

One spender for each number keeps its bucket fair; a lease that Redis loses costs nothing but order.
"""

import os
import socket

import redis.asyncio

LASTS_S = 5
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
