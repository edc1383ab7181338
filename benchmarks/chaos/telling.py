"""Celery whose log tells which bells it rang, and how many rows each of its tasks wrote.

`python -m benchmarks.chaos.telling <Celery's arguments>`
"""

import re
import sys
from collections.abc import Callable
from typing import Any

from celery import Task
from celery.__main__ import main
from celery.signals import after_task_publish, task_postrun, task_prerun, worker_process_init
from django.db import connection

WRITES = re.compile(r"\b(UPDATE [\w\".]+( \w+)? SET|INSERT INTO|DELETE FROM)\b")


def rung(log: str, task: str) -> int:
    """How often this log's process rang for a task."""
    return log.count(f"rang {task}\n")


def wrote(log: str, task: str) -> list[int]:
    """How many rows each run of a task in this log's process wrote."""
    return [int(rows) for rows in re.findall(rf"wrote (\d+) in {re.escape(task)}\n", log)]


class Rows:
    """Counts the rows that statements of this process write."""

    def __init__(self) -> None:
        self.written = 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Django's wrapper of a statement."""
        done = execute(sql, params, many, context)
        if WRITES.search(sql):
            self.written += max(context["cursor"].rowcount, 0)
        return done


def _say(text: str) -> None:
    # In one piece, for a worker's processes share its log.
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    rows = Rows()

    @after_task_publish.connect(weak=False)
    def tell_bell(sender: str = "", **_: Any) -> None:
        """Once the broker has it."""
        _say(f"rang {sender}")

    @worker_process_init.connect(weak=False)
    def look(**_: Any) -> None:
        """In each process of the pool."""
        connection.execute_wrappers.append(rows)

    @task_prerun.connect(weak=False)
    def begin(**_: Any) -> None:
        """From nothing."""
        rows.written = 0

    @task_postrun.connect(weak=False)
    def tell_rows(task: Task, **_: Any) -> None:
        """However it ended."""
        _say(f"wrote {rows.written} in {task.name}")

    sys.exit(main())
