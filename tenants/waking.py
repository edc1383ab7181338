"""Wakes workers. Rows hold the work and beat finds it, so a bell that nobody hears costs seconds and nothing else."""

import logging
from functools import partial
from typing import Any

from celery import Task
from django.core.cache import cache
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def wake(task: Task, **kwargs: Any) -> None:
    """Have a worker run the task once the caller's transaction has committed; beat must find the work without it."""
    transaction.on_commit(partial(ring, task, **kwargs))


def wake_once(task: Task, *, within_s: int, **kwargs: Any) -> None:
    """The same, once for all who ask within so many seconds; the task runs when these are over."""
    transaction.on_commit(partial(_ring_once, task, within_s, kwargs))


def _ring_once(task: Task, within_s: int, kwargs: dict[str, Any]) -> None:
    # The mark ends before the task begins, so nobody relies on one that has looked already.
    if cache.add(":".join(["woken", task.name, *map(str, kwargs.values())]), True, within_s):
        ring(task, countdown=within_s + 5, **kwargs)


def ring(task: Task, *, countdown: int | None = None, **kwargs: Any) -> None:
    """Have a worker run the task now, or after so many seconds.

    While Redis is away it says so in the log, because the work is committed.
    """
    try:
        task.apply_async(kwargs=kwargs, retry=False, countdown=countdown)
    except OperationalError as error:
        log.warning("%s not woken: %s", task.name, type(error).__name__)
