"""Celery doorways of tenants: forget what may not be kept."""

from typing import Any

from celery import shared_task

from tenants import repeating


@shared_task
def forget_answers(**_: Any) -> None:
    """Delete answers stored for Idempotency-Keys that are over a day old (security § 10)."""
    if repeating.forget():
        forget_answers.delay()
