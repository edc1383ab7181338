"""Stops accounts that Meta no longer serves until somebody mends the cause, and ends stops whose cause is gone."""

from django.db.models import Case, F, Q, QuerySet, When
from django.utils.timezone import now

from tenants.actions import audit
from whatsapp.models import Account, Number

# Number.pause_code for our own stop at the 24-hour limit; Meta's codes are positive.
DAILY_LIMIT_PAUSE = -24


def pause_account(account: Account, code: int | None) -> None:
    """Stop everything of an account because of Meta's code; one that is stopped keeps its first code."""
    stopped = Account.objects.filter(tenant=account.tenant_id, pk=account.pk, paused_at=None).update(
        paused_at=now(), pause_code=code
    )
    if stopped:
        audit(tenant=account.tenant, by=None, verb="account.paused", subject=account, changes={"code": code})


def allow_daily(numbers: QuerySet[Number], limit: int | None) -> None:
    """Set how many people numbers may write to in 24 hours, None is unlimited; more than before ends the stop at that.

    In one statement, so that no claim stops a number by the old limit in between.
    """
    rises = Q(daily_limit__isnull=False) if limit is None else Q(daily_limit__lt=limit)
    is_over = rises & Q(pause_code=DAILY_LIMIT_PAUSE)
    numbers.update(
        daily_limit=limit,
        paused_until=Case(When(is_over, then=None), default=F("paused_until")),
        pause_code=Case(When(is_over, then=None), default=F("pause_code")),
    )
