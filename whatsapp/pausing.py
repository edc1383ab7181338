"""Stops accounts that Meta no longer serves, until somebody mends the cause."""

from django.utils.timezone import now

from tenants.actions import audit
from whatsapp.models import Account


def pause_account(account: Account, code: int | None) -> None:
    """Stop everything of an account because of Meta's code; one that is stopped keeps its first code."""
    stopped = Account.objects.filter(tenant=account.tenant_id, pk=account.pk, paused_at=None).update(
        paused_at=now(), pause_code=code
    )
    if stopped:
        audit(tenant=account.tenant, by=None, verb="account.paused", subject=account, changes={"code": code})
