"""How long things are kept (consent-gdpr § 10) and how long a request may take (Art. 12(3) GDPR)."""

import calendar
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from tenants.models import Tenant

EXPORTS = timedelta(days=7)
# To confirm a request to sign up; later it grants nothing and has expired (CG-14).
TO_CONFIRM = timedelta(days=7)
# Requests to sign up, confirmed or not: a confirmation's proof is in the ledger (CG-14).
SIGN_UPS = timedelta(days=14)
MONTHS_TO_ANSWER = 1
MONTHS_LONGER = 2
# Proofs: to the end of the third calendar year after their last use (§§ 195, 199 BGB).
YEARS_OF_PROOF = 3


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last one of a shorter month (Regulation 1182/71, Art. 3(2)(c))."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def due(received_at: datetime, tenant: Tenant, *, is_extended: bool = False) -> date:
    """The last day for the answer, in the company's own time; the day of receipt does not count."""
    day = received_at.astimezone(ZoneInfo(tenant.timezone)).date()
    return months_after(day, MONTHS_TO_ANSWER + (MONTHS_LONGER if is_extended else 0))


def months_ago(months: int) -> datetime:
    """This moment so many months ago, UTC."""
    now = timezone.now()
    day = months_after(now.date(), -months)
    return now.replace(year=day.year, month=day.month, day=day.day)


def proof_ends(last_use: datetime) -> date:
    """The last day on which a proof is kept that was last used then."""
    return date(last_use.year + YEARS_OF_PROOF, 12, 31)
