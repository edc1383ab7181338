"""The beat that a clock set back does not stop: Celery's own would ring no bell until the old time has come again."""

from datetime import timedelta
from typing import Any

from celery.beat import PersistentScheduler

# Entries are written down a moment after they ran.
TOLERANCE = timedelta(seconds=1)


class SteadyScheduler(PersistentScheduler):
    """Celery's scheduler, which also keeps its times in a file: what ran "in the future" runs an interval from now."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; returns the seconds until the next."""
        entries = list(self.schedule.values())
        ahead = [entry for entry in entries if entry.last_run_at > entry.default_now() + TOLERANCE]
        for entry in ahead:
            entry.last_run_at = entry.default_now()
        if ahead:
            # It is ordered by the time that was.
            self._heap = None
        return super().tick(*args, **kwargs)
