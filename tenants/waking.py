"""Wakes workers. Rows hold the work and beat finds it, so a bell that nobody hears costs seconds and nothing else."""

import logging
from functools import partial
from typing import Any

from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def wake(task: Task, **kwargs: Any) -> None:
    """Have a worker run the task once the caller's transaction has committed; beat must find the work without it."""
    transaction.on_commit(partial(ring, task, **kwargs))


def ring(task: Task, **kwargs: Any) -> None:
    """Have a worker run the task now. While Redis is away it says so in the log, because the work is committed."""
    try:
        task.apply_async(kwargs=kwargs, retry=False)
    except OperationalError as error:
        log.warning("%s not woken: %s", task.name, type(error).__name__)
