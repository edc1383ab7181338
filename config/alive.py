"""Signs of life of beat and workers: in Redis for /readyz and /metrics, and in a file for whoever minds a process.

Beat writes its own, once a second and after it could hand over a task: a row would need a database that beat does not
otherwise need, and a task would prove that a worker lives, not beat. Workers answer `tenants.tasks.hear`.
"""

import os
import time
from pathlib import Path
from typing import Any

from celery.signals import after_task_publish, beat_init, worker_ready

from config.health import BEAT
from tenants import counting

EVERY_S = 5.0
_next_at = 0.0


@beat_init.connect
def watch_beat(**_: Any) -> None:
    """From now on every task that beat hands over is a sign of life."""
    after_task_publish.connect(beat_lives)


def beat_lives(**_: Any) -> None:
    """Note that beat has just handed over a task; at most once a second."""
    global _next_at
    if time.monotonic() >= _next_at:
        _next_at = time.monotonic() + 1
        counting.show_life(BEAT)
        touch()


@worker_ready.connect
def watch_worker(sender: Any, **_: Any) -> None:
    """Touch the file from the worker's own loop, which a hung worker no longer turns."""
    touch()
    sender.timer.call_repeatedly(EVERY_S, touch)


def touch() -> None:
    """Renew the time of the file that ALIVE_FILE names, if it does."""
    if name := os.environ.get("ALIVE_FILE"):
        Path(name).touch()
