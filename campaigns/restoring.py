"""Lets no campaign go on by itself in a database that comes from a backup, which knows nothing of what was sent since.

Nor one that is not frozen yet or whose time has long come: whether people get a second time what they may have got
already is for a person to decide.
"""

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from messaging import actions as outbox
from messaging import reasons
from tenants.actions import audit_each
from tenants.scope import across_tenants

STATE = Campaign.State


@dataclass(frozen=True)
class Stopped:
    """How many campaigns lost their time, were running, were paused before, and how many tests and answers waited."""

    scheduled: int
    running: int
    paused: int
    answers: int


def pause_all() -> Stopped:
    """Stop whatever would be sent by itself, in every company, and say why; doing it again changes nothing.

    Scheduled campaigns are drafts afterwards, running ones paused. Those that somebody had paused get the reason, too:
    they may have been resumed and sent after the backup.
    """
    with across_tenants("a backup holds the campaigns of every tenant"):
        known = Q(state=STATE.PAUSED, source__pause_code=reasons.RESTORED_PAUSE)
        found = Campaign.objects.filter(state__in=(STATE.SCHEDULED, STATE.RUNNING, STATE.PAUSED)).exclude(known)
        # Whoever is freezing one ends first, and opens its source before that is paused.
        campaigns = list(found.select_for_update(of=("self",)).order_by("id"))
        ids = {state: [each.pk for each in campaigns if each.state == state] for state in STATE}
        Campaign.objects.filter(pk__in=ids[STATE.SCHEDULED]).update(
            state=STATE.DRAFT, due_at=None, warned=[], problem=_problem()
        )
        Campaign.objects.filter(pk__in=ids[STATE.RUNNING]).update(state=STATE.PAUSED)
        answers = outbox.pause_every_source(code=reasons.RESTORED_PAUSE)
        audit_each(campaigns, by=None, verb="campaign.held_after_restore")
    return Stopped(len(ids[STATE.SCHEDULED]), len(ids[STATE.RUNNING]), len(ids[STATE.PAUSED]), answers)


def _problem() -> str:
    return _(
        "All data come from a backup that was put back, so the schedule was dropped: this campaign may have been sent"
        " already since the backup. Compare with WhatsApp Manager before you start it."
    )
