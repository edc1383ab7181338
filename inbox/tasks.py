"""Celery's way into receiving: a task that applies what waits, and the bell that wakes it."""

from datetime import timedelta
from typing import Any

from celery import shared_task

from inbox import days, receiving
from tenants import waking

# A worker that is told to stop ends the run it is in first.
SECONDS_AT_A_TIME = 2.0
# They hold personal data (consent-gdpr § 10).
KEPT = timedelta(days=30)


# A ring nobody heard in time is not worth hearing: a later one, or beat, says the same.
@shared_task(expires=5)
def receive(**_: Any) -> None:
    """Apply waiting webhooks until none is left; after two seconds hand over to a next run."""
    if receiving.run(seconds=SECONDS_AT_A_TIME):
        ring()


@shared_task
def forget(**_: Any) -> None:
    """Drop webhook bodies before they are older than 30 days, and make room for the coming ones."""
    days.turn(kept=KEPT)


def ring() -> None:
    """Tell the receivers that something waits. A bell that does not ring costs a second: beat looks that often."""
    waking.ring(receive)
