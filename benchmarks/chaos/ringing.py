"""Celery whose log says which bells it rang: `python -m benchmarks.chaos.ringing <Celery's arguments>`."""

import sys
from typing import Any

from celery.__main__ import main
from celery.signals import after_task_publish

RANG = "rang "

if __name__ == "__main__":

    @after_task_publish.connect(weak=False)
    def tell(sender: str = "", **_: Any) -> None:
        """Once the broker has it."""
        print(f"{RANG}{sender}", file=sys.stderr, flush=True)

    sys.exit(main())
