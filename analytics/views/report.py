"""A campaign's report and the people behind each of its numbers."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from analytics import queries
from analytics.queries import people
from analytics.queries.campaign import Report
from campaigns.models import Campaign
from messaging.models import Message
from tenants.pages import STOP_POLLING, TenantRequest, page_of, requires
from tenants.templatetags.formats import number, short_day

State = Campaign.State
# KPI, what it counts, what it divides by, and which recipients stand behind it.
TILES = (
    ("delivery_rate", "delivered", "accepted", "reached=delivered"),
    ("read_rate", "read", "delivered", "reached=read"),
    ("click_rate", "clicked", "delivered", "reached=clicked"),
    ("reply_rate", "replied", "delivered", "reached=replied"),
    ("conversion_rate", "converted", "delivered", ""),
    ("opt_out_rate", "opted_out", "delivered", "reached=opted_out"),
    ("orders", "", "", ""),
    ("revenue", "", "", ""),
    ("cost", "", "", ""),
    ("cost_per_order", "", "", ""),
    ("revenue_per_message", "", "", ""),
    ("roas", "", "", ""),
)
# Which recipients stand behind a step of the funnel.
FUNNEL_LINKS = {
    "audience": "",
    "reachable": "",
    "accepted": "reached=accepted",
    "delivered": "reached=delivered",
    "read": "reached=read",
    "clicked": "reached=clicked",
    "ordered": "",
}
REACHED = {
    "accepted": gettext_lazy("Accepted by WhatsApp"),
    "delivered": gettext_lazy("Delivered"),
    "read": gettext_lazy("Read"),
    "clicked": gettext_lazy("Clicked"),
    "replied": gettext_lazy("Replied"),
    "opted_out": gettext_lazy("Opted out"),
}


@dataclass(frozen=True)
class Segment:
    """One stretch of the live progress bar: messages that are in these states now."""

    css: str
    name: str
    messages: int


@require_GET
@requires("campaigns:read")
def report(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """What became of a campaign; while it runs, htmx asks again every two seconds and stops at the end."""
    campaign = _campaign(request, uid)
    if campaign.source_id is None and campaign.state in (State.DRAFT, State.SCHEDULED):
        return redirect("campaign_review", tenant_slug=request.tenant.slug, uid=uid)
    found = queries.report(campaign)
    context = {
        "campaign": campaign,
        "report": found,
        "tiles": _tiles(found),
        "segments": _segments(found),
        "done": found.audience - found.counts.open,
        "funnel": [{"step": step, "filter": FUNNEL_LINKS[step.key]} for step in found.funnel],
        "sentence": _sentence(found),
        "hours": _hours(found),
        "is_moving": campaign.state == State.RUNNING,
        "is_comparing": len(found.variants) > 1,
        "tab": "report",
    }
    if request.htmx and request.htmx.target == "live":
        context["is_last_poll"] = not context["is_moving"]
        status = STOP_POLLING if context["is_last_poll"] else 200
        return render(request, "analytics/report.html#live", context, status=status)
    return render(request, "analytics/report.html", context)


@require_GET
@requires("contacts:read")
def recipients(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Who is behind a number: the campaign's recipients by what became of their message."""
    campaign = _campaign(request, uid)
    chosen = _filters(request)
    found, has_more = queries.first_recipients(campaign, **chosen)
    page = page_of(found, request)
    context = {
        "has_more": has_more,
        "looked_at": people.LOOKED_AT,
        "campaign": campaign,
        "page": page,
        "rows": queries.shown(list(page)),
        "states": [(state.name.lower(), state.label) for state in Message.State],
        "labels": {state.name.lower(): state.label for state in Message.State},
        "reached": REACHED.items(),
        "chosen": chosen,
        "tab": "recipients",
    }
    if request.htmx:
        return render(request, "analytics/recipients.html#people", context)
    return render(request, "analytics/recipients.html", context)


def _campaign(request: TenantRequest, uid: uuid.UUID) -> Campaign:
    return get_object_or_404(
        request.tenant.campaigns.select_related("number__account", "source", "created_by"), uid=uid
    )


def _filters(request: TenantRequest) -> dict[str, Any]:
    """The filters of the address; one that does not exist is left out."""
    given = request.GET
    chosen: dict[str, Any] = {}
    # As it is written in the page: the rules on consent know no other spelling.
    if given.get("state") in {state.name.lower() for state in Message.State}:
        chosen["state"] = given["state"]
    if given.get("reached") in REACHED:
        chosen["reached"] = given["reached"]
    if given.get("reason"):
        chosen["reason"] = given["reason"][:24]
    if given.get("error", "").isdecimal():
        chosen["error_code"] = int(given["error"][:7])
    return chosen


def _tiles(found: Report) -> list[dict[str, Any]]:
    return [
        {
            "kpi": found.kpis[key],
            "part": getattr(found.counts, part) if part else None,
            "whole": getattr(found.counts, whole) if whole else None,
            "filter": people,
        }
        for key, part, whole, people in TILES
    ]


def _segments(found: Report) -> list[Segment]:
    counts = found.counts
    rows = [
        Segment("c1", _("Read"), counts.in_read),
        Segment("c2", _("Delivered, not read yet"), counts.in_delivered),
        Segment("c3", _("On the way"), counts.in_accepted + counts.in_sent + counts.in_held + counts.in_uncertain),
        Segment("c-bad", _("Failed"), counts.in_failed),
        Segment("c-calm", _("Left out"), counts.in_skipped + counts.in_cancelled + counts.in_expired),
    ]
    return [row for row in rows if row.messages]


def _sentence(found: Report) -> str:
    steps = ", ".join(f"{step.name} {number(step.messages)}" for step in found.funnel)
    return _("Funnel: %(steps)s.") % {"steps": steps}


def _hours(found: Report) -> dict[str, Any]:
    rows = found.hours
    return {
        "labels": [f"{short_day(localtime(row.hour))} {localtime(row.hour):%H:%M}" for row in rows],
        "series": [
            {"name": _("Delivered"), "values": [row.delivered for row in rows]},
            {"name": _("Read"), "values": [row.read for row in rows]},
            {"name": _("Clicked"), "values": [row.clicked for row in rows]},
        ],
    }
