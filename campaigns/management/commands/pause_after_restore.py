"""`manage.py pause_after_restore`: the first thing after a backup was put back, before any worker starts.

A backup knows nothing of what was sent after it. Whatever it holds that would be sent by itself waits for a person
afterwards, in every company; running it twice changes nothing.
"""

from typing import Any

from django.core.management.base import BaseCommand

from campaigns import restoring


class Command(BaseCommand):
    """Stops everything and counts it."""

    help = "After a restore, before workers start: let nothing be sent until a person resumes it."

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = restoring.pause_all()
        self.stdout.write(
            f"{stopped.scheduled} scheduled campaigns are drafts again, {stopped.running} running ones are paused,"
            f" {stopped.paused} that were paused say why; {stopped.answers} tests and answers will not be sent."
        )
