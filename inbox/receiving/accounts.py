"""Applies what Meta decides about accounts and numbers: blocks, limits, quality, throughput."""

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from inbox.receiving.routing import Item
from tenants.actions import audit
from tenants.models import Tenant
from whatsapp.events import AccountUpdate, Capability, NumberQuality
from whatsapp.models import Account, Number
from whatsapp.pausing import allow_daily, pause_account

# The codes with which Meta would refuse to send; whatsapp-cloud-api §§ 7.1, 7.3.
LOCKED, BLOCKED, NO_PERMISSION = 131031, 368, 10
GONE = {"ACCOUNT_DELETED", "ACCOUNT_OFFBOARDED", "PARTNER_REMOVED", "PARTNER_APP_UNINSTALLED"}
BACK = {"ACCOUNT_RECONNECTED", "PARTNER_ADDED", "PARTNER_APP_INSTALLED"}
# Of Meta's 1,000 messages a second after an upgrade; what comes in counts too.
UPGRADED_THROUGHPUT = 950
QUALITIES = {"FLAGGED": Number.Quality.RED, "UNFLAGGED": Number.Quality.UNKNOWN}
TIERS = {"TIER_50": 50, "TIER_250": 250, "TIER_1K": 1000, "TIER_2K": 2000, "TIER_10K": 10_000, "TIER_100K": 100_000}
UNLIMITED = -1


def mark_seen(tenant: Tenant, account_ids: list[int]) -> None:
    """Note that webhooks arrive for these accounts, at most once a minute."""
    now = timezone.now()
    is_due = Q(webhook_seen_at=None) | Q(webhook_seen_at__lt=now - timedelta(minutes=1))
    tenant.accounts.filter(is_due, pk__in=account_ids).update(webhook_seen_at=now)


def apply_update(tenant: Tenant, items: list[Item[AccountUpdate]]) -> None:
    """Pause accounts that may no longer send, and lift our own pause when Meta lifts the block."""
    for item in items:
        pause_code, lifts = _verdict(item.event)
        if pause_code:
            pause_account(item.account, pause_code)
        elif lifts:
            _lift(item.account, lifts)


def apply_number_quality(tenant: Tenant, items: list[Item[NumberQuality]]) -> None:
    """Take over a number's quality, daily limit and throughput."""
    for item in items:
        event = item.event
        numbers = _numbers(item.account, event.display_phone_number)
        if event.event in QUALITIES:
            numbers.update(quality=QUALITIES[event.event])
        if event.event == "THROUGHPUT_UPGRADE":
            numbers.filter(throughput__lt=UPGRADED_THROUGHPUT).update(throughput=UPGRADED_THROUGHPUT)
        _limit(item.account, _limit_of(event.limit))


def apply_capability(tenant: Tenant, items: list[Item[Capability]]) -> None:
    """Take over the daily limit, which Meta keeps per portfolio (whatsapp-cloud-api § 6.3)."""
    for item in items:
        _limit(item.account, item.event.daily_limit)


def _verdict(event: AccountUpdate) -> tuple[int | None, set[int]]:
    """(code to pause with, codes whose pause ends)."""
    if event.event in GONE:
        return NO_PERMISSION, set()
    if event.event in BACK:
        return None, {NO_PERMISSION}
    if event.event == "DISABLED_UPDATE":
        state = (event.raw.get("ban_info") or {}).get("waba_ban_state")
        # SCHEDULE_FOR_DISABLE announces a date; until then the account may send.
        return (LOCKED if state == "DISABLE" else None), ({LOCKED} if state == "REINSTATE" else set())
    if event.event == "ACCOUNT_RESTRICTION":
        kinds = {entry.get("restriction_type") for entry in event.raw.get("restriction_info") or []}
        return (BLOCKED if "RESTRICTED_BIZ_INITIATED_MESSAGING" in kinds else None), set()
    return None, set()


def _lift(account: Account, codes: set[int]) -> None:
    paused = Account.objects.filter(tenant=account.tenant_id, pk=account.pk, pause_code__in=codes)
    if paused.update(paused_at=None, pause_code=None):
        audit(tenant=account.tenant, by=None, verb="account.resumed", subject=account)


def _numbers(account: Account, displayed: str) -> QuerySet[Number]:
    """The account's numbers that look like this one; Meta and people write spaces and dashes as they like."""
    numbers = Number.objects.filter(tenant=account.tenant_id, account=account)
    digits = _digits(displayed)
    return numbers.filter(pk__in=[n.pk for n in numbers if digits and _digits(n.display_number) == digits])


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdecimal())


def _limit_of(told: str) -> int | None:
    if told == "TIER_UNLIMITED":
        return UNLIMITED
    return TIERS.get(told) or (int(told) if told.lstrip("-").isdecimal() else None)


def _limit(account: Account, limit: int | None) -> None:
    if limit is not None:
        numbers = Number.objects.filter(tenant=account.tenant_id, account__portfolio_id=account.portfolio_id)
        allow_daily(numbers, None if limit < 0 else limit)
