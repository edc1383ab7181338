"""Looks at scheduled campaigns again before they start and as they start, and keeps what there is to look at.

A campaign that was fine when somebody scheduled it may reach people by then whom an import has brought meanwhile, or
may not start at all. Kept are the codes of `preflight.warnings` and, until it starts, of `preflight.foreseen`; what
they mean is said in the language of whoever reads it.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from campaigns import preflight
from campaigns.models import Campaign
from campaigns.preflight import Check
from segments.queries import TookTooLong, at_most
from tenants.scope import across_tenants, tenant_scope

log = logging.getLogger(__name__)
# Two days leave time to mend a template, which Meta has to approve.
SOON, EVERY = timedelta(hours=48), timedelta(hours=1)
AT_A_TIME = 20
# Of each statement of a look, for others wait to be started or looked at; and after so many no further look begins.
SECONDS, ROUND_SECONDS = 2.0, 20.0
# Whoever starts what is due looks at it, too, and knows by the moment that it is still what was looked at.
STALE = Q(due_at__gt=Now()) & (Q(looked_at=None) | Q(looked_at__lt=Now() - EVERY))
# What finds which codes; the first and the last one of them may take long.
LOOKS: dict[str, Callable[[Campaign], list[Check]]] = {
    "audience": preflight.unreached,
    "obstacle": preflight.foreseen,
    "warning": preflight.standing,
    "first": preflight.first_messages,
}


def refuses(code: str) -> bool:
    """Whether this keeps a campaign from starting, and is no mere warning."""
    return not code.startswith("warning.")


def _kind(code: str) -> str:
    if code == "nobody_reachable":
        return "audience"
    if code in ("warning.objection", "warning.notice"):
        return "first"
    return "obstacle" if refuses(code) else "warning"


def texts(codes: Sequence[str]) -> list[str]:
    """What these codes mean, in the active language; the review says more, with names and a sentence that mends it."""
    meanings = {
        "agreement": _("The data processing agreement is not concluded."),
        "audience": _("No list or segment is chosen."),
        "segment": _("A segment names something that no longer exists."),
        "nobody_reachable": _("Nobody can be reached."),
        "purpose": _("Advertising would use what you have gathered for contracts only."),
        "number": _("No WhatsApp number is connected."),
        "account_paused": _("The WhatsApp account is stopped."),
        "no_quota": _("The number has no quota."),
        "number_paused": _("The number is paused beyond that time."),
        "template": _("No template is chosen."),
        "template_status": _("The template may not be sent."),
        "template_account": _("The template belongs to another WhatsApp account than the number."),
        "template_parts": _("The template has a part that cannot be filled here."),
        "variables": _("What fills the template does not fit it."),
        "category": _("The template's category does not fit what the campaign is for."),
        "opt_out": _("The template does not say how to opt out."),
        "advertising": _("A utility template advertises."),
        "warning.special": _(
            "What chooses the people tells of special categories of data (Art. 9 GDPR): whoever has not agreed to that"
            " is left out."
        ),
        "warning.order": _("Nothing says that each of these people has an order, booking or contract."),
        "warning.profile": _(
            "The number's business profile leads neither to your privacy notice or imprint nor to your site."
        ),
        "warning.objection": _(
            "The first advertising to people of an import or the API does not name their right to object."
        ),
        "warning.notice": _(
            "The first message to people of an import or the API does not tell where you have their data from."
        ),
        "warning.sender": _("The message does not say who sends it."),
    }
    return [meanings[code] for code in codes if code in meanings]


def found(campaign: Campaign, until: float = math.inf) -> list[str]:
    """The codes of what there is to look at now, each once; what was found last of what cannot be told in time.

    `until` is when looking has to end, by `time.monotonic`. Nothing of this may keep a campaign from starting.
    """
    return [*_codes(campaign, "warning", until), *_codes(campaign, "first", until)]


def _codes(campaign: Campaign, kind: str, until: float = math.inf) -> list[str]:
    left = min(SECONDS, until - time.monotonic())
    try:
        if left > 0:
            with at_most(left):
                return list(dict.fromkeys(check.code for check in LOOKS[kind](campaign)))
    except TookTooLong:
        log.warning("looking at campaign %s took too long", campaign.pk)
    except Exception:
        log.exception("campaign %s cannot be looked at", campaign.pk)
    return [code for code in campaign.warned if _kind(code) == kind]


def soon(campaigns: QuerySet[Campaign]) -> QuerySet[Campaign]:
    """Those of them that start by the schedule within two days, the next first."""
    # By the database's clock, as they are launched.
    scheduled = campaigns.filter(state=Campaign.State.SCHEDULED, due_at__lte=Now() + SOON)
    return scheduled.order_by("due_at", "id")


def look_ahead() -> None:
    """Look at campaigns of all tenants that start soon: after each change of theirs, and every hour."""
    with across_tenants("scheduled campaigns of every tenant"):
        due = soon(Campaign.objects.filter(STALE, tenant__is_active=True))
        # Somebody may just have changed one that is due later than all that only an hour has passed for.
        due = due.order_by(F("looked_at").asc(nulls_first=True), "due_at", "id")
        ids = list(due.values_list("tenant_id", "id")[:AT_A_TIME])
    until = time.monotonic() + ROUND_SECONDS
    for tenant_id, campaign_id in ids:
        if time.monotonic() < until:
            try:
                # To its end, whatever is left of the round: it will not be looked at again for an hour.
                _look(tenant_id, campaign_id)
            except Exception:
                log.exception("looking at campaign %s has failed", campaign_id)


def _look(tenant_id: int, campaign_id: int) -> None:
    scheduled = Campaign.objects.filter(tenant=tenant_id, pk=campaign_id, state=Campaign.State.SCHEDULED)
    with tenant_scope(tenant_id):
        # Another round may have been there first.
        if not scheduled.filter(STALE).update(looked_at=Now()):
            return
        campaign = scheduled.select_related("tenant", "number").get()
    with tenant_scope(tenant_id):
        refusing = [*_codes(campaign, "obstacle"), *_codes(campaign, "audience")]
        warned = [*refusing, *found(campaign)]
        # Whoever has changed it meanwhile has taken the moment away: then the next round looks again.
        scheduled.filter(looked_at=campaign.looked_at).update(warned=warned)
