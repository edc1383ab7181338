"""Celery's way into receiving: a task that applies what waits, and the bell that wakes it."""

import logging
from datetime import timedelta
from typing import Any

from celery import shared_task
from kombu.exceptions import OperationalError

from inbox import receiving

SECONDS_AT_A_TIME = 5.0
KEPT = timedelta(days=30)

logger = logging.getLogger(__name__)


@shared_task
def receive(**_: Any) -> None:
    """Apply waiting webhooks until none is left; after five seconds hand over to a next run."""
    if receiving.run(seconds=SECONDS_AT_A_TIME):
        ring()


@shared_task
def forget(**_: Any) -> None:
    """Delete webhook bodies that are older than 30 days; they hold personal data (consent-gdpr § 10)."""
    if receiving.forget(older_than=KEPT):
        forget.delay()


def ring() -> None:
    """Tell the receivers that something waits. A bell that does not ring costs a second: beat looks that often."""
    try:
        # A ring nobody heard in time is not worth hearing: a later one, or beat, says the same.
        receive.apply_async(retry=False, expires=5)
    except OperationalError as error:
        logger.warning("receivers not woken: %s", type(error).__name__)
