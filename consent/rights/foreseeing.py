"""Says what the next night would let go of if a company kept things for a shorter time; changes nothing."""

from consent.models import Controller
from consent.rights import keeping, periods, walking
from tenants.models import Tenant

MOST = 10_000


def going(tenant: Tenant, stored: Controller, *, message_months: int, silence_months: int) -> dict[str, int]:
    """How many of each kind (a Disposal's) would go beside what goes anyway, counted up to one more than MOST.

    Kinds of which nothing goes are missing; so are consents and messages whose period does not get shorter.
    """
    found: dict[str, int] = {}
    if message_months < stored.message_months:
        found |= walking.would_go(tenant, before=periods.months_ago(message_months), most=MOST)
    if silence_months < stored.silence_months:
        found["consents"] = _consents(tenant, silence_months)
    return {what: count for what, count in found.items() if count}


def _consents(tenant: Tenant, months: int) -> int:
    before = periods.months_ago(months)
    subjects = keeping.old_consents(tenant, before).order_by("subject_id").values_list("subject_id", flat=True)
    return len(keeping.silent(tenant, list(subjects.distinct()[: MOST + 1]), before))
