"""Mails that are owed, as rows: who takes the next one, and when one that could not be sent is tried again.

Rows have the columns `next_attempt_at`, `attempts` and `error`.
"""

from datetime import timedelta
from smtplib import SMTPHeloError, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

# Longer than a mail can take (EMAIL_TIMEOUT counts for each step of it); then its worker is gone.
LEASE = timedelta(minutes=10)
# After an error: a minute, two, four …
LONGEST_PAUSE = timedelta(hours=1)
# Beat rings every minute for the rest.
SECONDS_PER_RUN = 45
CONSOLE = "django.core.mail.backends.console.EmailBackend"


def has_server() -> bool:
    """Whether mails go anywhere: without a mail server they would be written to the log, where no address may stand."""
    return settings.EMAIL_BACKEND != CONSOLE or settings.DEBUG


def claim(rows: QuerySet[Any], **also: Any) -> Any:
    """The first of these rows that is due, for this worker alone until its lease is over; None when nothing is due.

    `also` are columns that change with it.
    """
    now = timezone.now()
    free = rows.filter(next_attempt_at__lte=now).select_for_update(of=("self",), skip_locked=True)
    if claimed := free.first():
        also |= {"attempts": claimed.attempts + 1, "next_attempt_at": now + LEASE}
        for name, value in also.items():
            setattr(claimed, name, value)
        claimed.save(update_fields=list(also))
    return claimed


def put_off(claimed: Any, error: Exception, **also: Any) -> None:
    """Have a row tried again later, unless its lease was over and another worker has it now."""
    pause = min(timedelta(minutes=2 ** min(claimed.attempts - 1, 10)), LONGEST_PAUSE)
    note(claimed, error, next_attempt_at=timezone.now() + pause, **also)


def note(claimed: Any, error: Exception, **also: Any) -> None:
    """Say in a row what went wrong, unless its lease was over and another worker has it now."""
    rows = type(claimed).objects.filter(tenant=claimed.tenant_id, pk=claimed.pk, attempts=claimed.attempts)
    rows.update(error=type(error).__name__[:100], **also)


def is_taken_later(error: Exception) -> bool:
    """Whether the server took nothing for now: it said so (4xx), or it does not take this sender of ours.

    What it refuses for good (5xx) it would refuse again, and what was cut off it may have taken.
    """
    if isinstance(error, SMTPHeloError | SMTPSenderRefused):
        return True
    if isinstance(error, SMTPRecipientsRefused):
        return all(code // 100 == 4 for code, _said in error.recipients.values())
    return isinstance(error, SMTPResponseException) and error.smtp_code // 100 == 4
