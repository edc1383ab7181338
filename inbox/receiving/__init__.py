"""Applies stored webhooks to messages, contacts, consent and templates: in batches, in any order, however often.

One transaction claims a batch of bodies, applies their events tenant by tenant, and marks the bodies done.
"""

import random
import time

from django.db import OperationalError

from inbox.receiving import applying, claiming, routing
from tenants.scope import across_tenants

# serialization_failure, deadlock_detected: PostgreSQL undid everything, so it can be tried again.
COLLISIONS = {"40001", "40P01"}
MOST_TRIES = 6
# A batch of one event costs nearly as much as one of fifty: while they keep coming, fewer than this wait for others.
FEW, GATHERS_S = 100, 0.05


def run(*, seconds: float) -> bool:
    """Apply what waits for at most about this many seconds, at least one batch; True if something may be left."""
    end = time.monotonic() + seconds
    found = _apply_next_batch()
    while found and time.monotonic() < end:
        # Not after the first, which often is the only one.
        if 0 < (found := _apply_next_batch()) < FEW:
            time.sleep(GATHERS_S)
    return found > 0


def _apply_next_batch() -> int:
    for tries_left in reversed(range(MOST_TRIES)):
        try:
            return _try_next_batch()
        except OperationalError as error:
            if not tries_left or getattr(error.__cause__, "pgcode", None) not in COLLISIONS:
                raise
        time.sleep(random.uniform(0.01, 0.1))  # noqa: S311 (spreads receivers apart, guards nothing)
    return 0


def _try_next_batch() -> int:
    """Apply one batch; returns how many events it had, or bodies where these are more."""
    with across_tenants("stored webhooks are routed to their tenants here"):
        rows = claiming.claim()
        if not rows:
            return 0
        items, faults, dropped = routing.route(rows)
        faults |= applying.apply(items)
        claiming.mark([row for row in rows if row.id not in dropped], faults)
        claiming.drop([row for row in rows if row.id in dropped])
    return max(len(rows), len(items))
