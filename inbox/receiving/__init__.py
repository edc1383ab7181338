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


def run(*, seconds: float) -> bool:
    """Apply what waits for at most about this many seconds; True if something may be left."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not _apply_next_batch():
            return False
    return True


def _apply_next_batch() -> bool:
    for tries_left in reversed(range(MOST_TRIES)):
        try:
            return _try_next_batch()
        except OperationalError as error:
            if not tries_left or getattr(error.__cause__, "pgcode", None) not in COLLISIONS:
                raise
        time.sleep(random.uniform(0.01, 0.1))  # noqa: S311 (spreads receivers apart, guards nothing)
    return True


def _try_next_batch() -> bool:
    with across_tenants("stored webhooks are routed to their tenants here"):
        rows = claiming.claim()
        if not rows:
            return False
        items, faults, dropped = routing.route(rows)
        faults |= applying.apply(items)
        claiming.mark([row for row in rows if row.id not in dropped], faults)
        claiming.drop([row for row in rows if row.id in dropped])
    return True
