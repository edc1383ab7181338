"""Celery doorways of the outbox: the bell that wakes senders, the sender itself, the sweeper."""

from dataclasses import asdict
from functools import cache, partial
from typing import Any

from celery import shared_task
from celery.signals import worker_process_shutdown

from messaging import emptying, queries, sweeping
from messaging.engine import Engine
from tenants import counting, waking

# A sender works for some seconds and then hands over, so that a deploy or a stop never waits long.
SEND_FOR_S = 10.0
EMPTY_FOR_S = 2.0


@shared_task(ignore_result=True, expires=5)
def wake(**_: Any) -> None:
    """Start a sender if something is due; rung by beat every second and by whoever queues messages."""
    if queries.numbers_with_due_messages():
        send.delay()


# Without an end, which a worker whose clock is ahead would take for over. Only senders ring for it, so none pile up.
@shared_task(ignore_result=True)
def send(**_: Any) -> None:
    """Send what is due on every number that no other worker serves; hand over after some seconds."""
    engine().run(SEND_FOR_S, call_next=send.delay)


@shared_task(ignore_result=True, expires=30)
def sweep(**_: Any) -> None:
    """Settle what killed workers and unknown outcomes left behind."""
    swept = sweeping.sweep()
    counting.add({f"swept.{step}": count for step, count in asdict(swept).items()})
    if emptying.run(seconds=EMPTY_FOR_S):
        empty.delay()
    if swept.settled:
        wake.delay()


@shared_task(ignore_result=True, expires=30)
def empty(**_: Any) -> None:
    """Cancel what waits in closed sources; hand over after two seconds."""
    if emptying.run(seconds=EMPTY_FOR_S):
        empty.delay()


@cache
def engine() -> Engine:
    """This process' loop and connections, made at its first task, after the fork."""
    return Engine(call_others=partial(waking.ring, wake))


@worker_process_shutdown.connect
def close_engine(**_: Any) -> None:
    """Close connections in order when a worker process ends."""
    if engine.cache_info().currsize:
        engine().close()
