"""The cache in Redis; while Redis is away each process remembers for itself, so that no request fails because of it."""

import logging
import time
from collections.abc import Callable
from typing import Any

import redis
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache

# How long Redis is left alone when it has not answered: so one request a minute waits for it, and one line is logged.
AWAY_S = 60
ASKED = ("add", "get", "set", "touch", "delete", "has_key", "incr", "get_many", "set_many", "delete_many", "clear")

log = logging.getLogger(__name__)


class RedisOrMemory(RedisCache):
    """Redis, or this process' memory: limits then hold per process, which is better than none and than an error."""

    # Of the class, because Django makes a cache for each thread.
    away_until = 0.0

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.memory = LocMemCache(server, {**params, "OPTIONS": {"MAX_ENTRIES": 10_000}})


def _or_memory(name: str) -> Callable[..., Any]:
    in_redis, in_memory = getattr(RedisCache, name), getattr(LocMemCache, name)

    def ask(self: RedisOrMemory, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() >= RedisOrMemory.away_until:
            try:
                return in_redis(self, *args, **kwargs)
            except redis.RedisError as error:
                _leave_alone(error)
        return in_memory(self.memory, *args, **kwargs)

    return ask


def _leave_alone(error: redis.RedisError) -> None:
    # Of the threads that waited at the same time, the first one tells.
    if time.monotonic() >= RedisOrMemory.away_until:
        log.warning("limits are counted per process while Redis is away: %s", type(error).__name__)
    RedisOrMemory.away_until = time.monotonic() + AWAY_S


for _name in ASKED:
    setattr(RedisOrMemory, _name, _or_memory(_name))
