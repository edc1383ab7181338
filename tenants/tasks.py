"""Celery doorways of tenants: forget what may not be kept, say that a queue is served, mark the time for replicas."""

from typing import Any

from celery import shared_task

from tenants import counting, repeating, replica


@shared_task
def forget_answers(**_: Any) -> None:
    """Delete answers stored for Idempotency-Keys that are over a day old (security § 10)."""
    if repeating.forget():
        forget_answers.delay()


# Beat asks again before that: a queue that nobody serves must not fill up with questions.
@shared_task(expires=10)
def hear(*, queue: str, **_: Any) -> None:
    """Note that some worker takes tasks from this queue."""
    counting.show_life(queue)


@shared_task(expires=30)
def mark(**_: Any) -> None:
    """Let replicas know how late it is."""
    replica.mark()
