"""Starts campaigns, by hand or by schedule: the checks, the one conditional UPDATE, and the source they send from."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext as _

from campaigns import preflight, warning
from campaigns.models import Campaign
from campaigns.preflight import Check
from messaging import actions as outbox
from messaging.models import Source
from tenants.actions import Actor, audit
from tenants.scope import across_tenants, tenant_scope

log = logging.getLogger(__name__)
STATE = Campaign.State
EDITABLE = (STATE.DRAFT, STATE.SCHEDULED)
# Of all that are due at once, then no further look begins: the rest starts with what the last look before has found.
LOOKING_SECONDS = 5.0


@dataclass
class CannotLaunch(Exception):
    """The campaign is not ready; `problems` name what is missing and which field mends it."""

    problems: list[Check]

    def __str__(self) -> str:
        return " ".join(problem.text for problem in self.problems)


class WrongState(Exception):
    """The campaign's state does not allow this, e.g. editing one that runs."""


def launch_due() -> list[tuple[int, int]]:
    """Start scheduled campaigns whose time has come; returns (tenant id, campaign id) of those to freeze.

    One that is no longer ready goes back to draft with its problem written on it, and the others go on.
    """
    with across_tenants("due campaigns of every tenant"):
        due = list(
            # By the database's clock: a worker's may be wrong.
            Campaign.objects.filter(state=STATE.SCHEDULED, due_at__lte=Now(), tenant__is_active=True)
            .order_by("due_at", "id")
            .values_list("tenant_id", "id")[:100]
        )
    look_until = time.monotonic() + LOOKING_SECONDS
    return [ids for ids in due if _launched(*ids, look_until)]


def _launched(tenant_id: int, campaign_id: int, look_until: float) -> bool:
    try:
        return _launch_one(tenant_id, campaign_id, look_until)
    except Exception:
        # One tenant's broken campaign must not keep the others' from starting; it is tried again at the next round.
        log.exception("scheduled campaign %s cannot be launched", campaign_id)
        return False


def _launch_one(tenant_id: int, campaign_id: int, look_until: float) -> bool:
    due = Campaign.objects.filter(tenant=tenant_id, pk=campaign_id, state=STATE.SCHEDULED, due_at__lte=Now())
    with tenant_scope(tenant_id):
        # The moment is left where there is one, so that rounds which overtake each other share it.
        due.filter(looked_at=None).update(looked_at=Now())
        seen = due.select_related("tenant", "number").first()
    if seen is None or seen.looked_at is None:
        return False
    with tenant_scope(tenant_id):
        warned = warning.found(seen, look_until)
    with tenant_scope(tenant_id):
        # Whoever has taken it back or put it off since it was listed has been told so: then it does not start. Whoever
        # has changed it since the look started, which takes the moment away, waits for the next round.
        unchanged = due.filter(looked_at=seen.looked_at).select_related("tenant", "number")
        campaign = unchanged.select_for_update(of=("self",)).first()
        if campaign is None:
            return False
        try:
            start(campaign=campaign, by=None, warned=warned)
        except CannotLaunch as refused:
            move(campaign, [STATE.SCHEDULED], STATE.DRAFT, problem=str(refused), due_at=None, warned=[])
            audit(tenant=campaign.tenant, by=None, verb="campaign.launch_failed", subject=campaign)
            return False
        return True


@transaction.atomic
def start(*, campaign: Campaign, by: Actor, warned: Sequence[str] = ()) -> Campaign:
    """Move a ready draft to running with its source; starting what runs already changes nothing.

    `warned` is kept with it; whoever starts it by hand has been told. Raises CannotLaunch with every problem at once,
    WrongState for a finished or cancelled campaign.
    """
    # Two browsers and the schedule wait for each other here; the later ones find it running.
    locked = (
        Campaign.objects.select_for_update(of=("self",))
        .select_related("tenant", "number__account", "source")
        .get(tenant=campaign.tenant_id, pk=campaign.pk)
    )
    if locked.state in (STATE.RUNNING, STATE.PAUSED):
        return locked
    if locked.state not in EDITABLE:
        raise WrongState(_("This campaign is over. Duplicate it to send it again."))
    refuse_unready(locked)
    source = _open_source(locked)
    move(locked, EDITABLE, STATE.RUNNING, source=source, launched_at=now(), due_at=None, problem="", warned=[*warned])
    audit(tenant=locked.tenant, by=by, verb="campaign.launched", subject=locked)
    return locked


def refuse_unready(campaign: Campaign) -> None:
    """Raise CannotLaunch if any preflight check fails."""
    problems = [check for check in preflight.checks(campaign) if not check.ok]
    if problems:
        raise CannotLaunch(problems)


def move(campaign: Campaign, before: Sequence[str], after: str, **changes: Any) -> bool:
    """The conditional UPDATE: true if this call moved the state; `campaign` then shows the stored row."""
    moved = Campaign.objects.filter(tenant=campaign.tenant_id, pk=campaign.pk, state__in=before).update(
        state=after, **changes
    )
    campaign.refresh_from_db()
    return bool(moved)


def _open_source(campaign: Campaign) -> Source:
    assert campaign.number is not None
    source = outbox.open_source(
        tenant=campaign.tenant,
        kind=Source.Kind.CAMPAIGN,
        name=campaign.name,
        number=campaign.number,
        purpose=campaign.purpose,
        # Opened, with its end, when the audience is complete, so that the waterfall and the first message agree.
        is_paused=True,
    )
    for variant in campaign.variants.select_related("template").order_by("number"):
        assert variant.template is not None
        outbox.add_content(
            source=source, variant=variant.number, template=variant.template, variables=variant.variables
        )
    return source
