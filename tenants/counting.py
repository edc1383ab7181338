"""What no row remembers, for /metrics and /readyz: counts that only grow, figures of slow work, and signs of life.

All of it lies in Redis, where every process on every host adds to the same numbers. Losing it loses no message: counts
start at zero again, as counters may, and the rest comes back with the next round. Nothing here ever fails its caller.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import redis
from django.conf import settings

COUNTS, DRIFT = "zusage:counts", "zusage:drift"
# A sign of life is a key that ends by itself: its age is told by Redis' clock alone, whatever our hosts' clocks say.
KEPT_S = 24 * 3600
# Longer than from one nightly check to the next but one.
DRIFT_KEPT_S = 50 * 3600
TIMEOUTS: dict[str, Any] = {"socket_timeout": 1, "socket_connect_timeout": 1}

log = logging.getLogger(__name__)


def add(amounts: Mapping[str, float]) -> None:
    """Add to the counts of these names; those of zero are left alone."""
    try:
        with client().pipeline(transaction=False) as pipe:
            for name, amount in amounts.items():
                if amount:
                    pipe.hincrbyfloat(COUNTS, name, amount)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("counts are lost: %s", type(error).__name__)


def show_life(name: str) -> None:
    """Note that whoever is called so is alive now."""
    try:
        client().set(_life(name), 1, ex=KEPT_S)
    except redis.RedisError as error:
        log.warning("no sign of life of %s: %s", name, type(error).__name__)


def remember(name: str, figures: Mapping[str, Any]) -> None:
    """Keep what slow work found out, in place of what it found before."""
    try:
        client().set(f"zusage:figures:{name}", json.dumps(figures), ex=KEPT_S)
    except redis.RedisError as error:
        log.warning("figures of %s are lost: %s", name, type(error).__name__)


def note_drift(tenant_id: int, numbers: int) -> None:
    """Keep how many of a tenant's KPIs differ from a recount, in place of what its last check found."""
    try:
        with client().pipeline() as pipe:
            pipe.hset(DRIFT, str(tenant_id), numbers)
            pipe.expire(DRIFT, DRIFT_KEPT_S)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("a check of KPIs is lost: %s", type(error).__name__)


def drift() -> tuple[int, int]:
    """How many tenants were checked, and how many of their KPIs differ; raises redis.RedisError."""
    found = [int(numbers) for numbers in client().hvals(DRIFT)]
    return len(found), sum(found)


def counts() -> dict[str, float]:
    """All counts by name; raises redis.RedisError."""
    return {str(name): float(amount) for name, amount in client().hgetall(COUNTS).items()}


def ages(names: Sequence[str]) -> dict[str, float | None]:
    """Seconds since each of these was last alive, None if not for a day; raises redis.RedisError."""
    with client().pipeline(transaction=False) as pipe:
        for name in names:
            pipe.pttl(_life(name))
        left = pipe.execute()
    return {name: KEPT_S - ms / 1000 if ms > 0 else None for name, ms in zip(names, left, strict=True)}


def remembered(name: str) -> dict[str, Any]:
    """What `remember` kept; empty when there is nothing. Raises redis.RedisError."""
    kept = client().get(f"zusage:figures:{name}")
    return json.loads(kept) if kept else {}


def client() -> "redis.Redis":
    """This process' connections to Redis, which answers within a second or not at all."""
    return _client(settings.REDIS_URL)


def broker() -> "redis.Redis":
    """The same to where tasks wait, which may be a server of its own (BROKER_URL)."""
    return _client(settings.CELERY_BROKER_URL)


@cache
def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, decode_responses=True, **TIMEOUTS)


def _life(name: str) -> str:
    return f"zusage:alive:{name}"
