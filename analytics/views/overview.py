"""The home screen: a period in numbers, what runs now, what needs attention, and how to begin."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

import inbox.queries
from analytics import queries
from analytics.queries.attention import Attention
from analytics.queries.home import Overview, Period
from campaigns.models import Campaign
from consent import agreements
from consent import queries as consent
from tenants.models import Tenant
from tenants.pages import STOP_POLLING, TenantRequest
from tenants.templatetags.formats import day, number, short_day
from whatsapp.models import Template

PERIODS = (7, 30, 90)
TILES = ("delivery_rate", "read_rate", "click_rate", "opt_out_rate", "revenue", "cost", "roas")
MOST_TO_LOOK_AT = 99
# Of these a smaller number is the good news.
LESS_IS_BETTER = {"opt_out_rate", "cost"}


@require_GET
def overview(request: TenantRequest) -> HttpResponse:
    """The workspace at a glance; members without the right to see numbers get a greeting instead."""
    if not request.membership.may("reports:read"):
        return render(request, "analytics/greeting.html", _to_look_at(request))
    days = _days(request)
    until = timezone.localdate()
    found = queries.overview(request.tenant, until - timedelta(days=days - 1), until)
    context = {
        "days": days,
        "periods": PERIODS,
        "overview": found,
        "tiles": _tiles(found),
        "chart": _chart(found.current),
        "sentence": _sentence(found.current),
        "attention": [{"row": row, "url": _target(request, row)} for row in found.attention],
        # Deadlines of the law are an alarm to those who can keep them (CG-44).
        "overdue_requests": consent.overdue(request.tenant) if request.membership.may("consent:read") else 0,
        **_to_look_at(request),
        "steps": _steps(request.tenant),
        "running": [{"row": row, "settled": row.counts.audience - row.counts.open} for row in found.running],
        "is_moving": any(row.campaign.state == Campaign.State.RUNNING for row in found.running),
    }
    if request.htmx and request.htmx.target == "running":
        status = 200 if context["is_moving"] else STOP_POLLING
        return render(request, "analytics/overview.html#running", context, status=status)
    return render(request, "analytics/overview.html", context)


def _to_look_at(request: TenantRequest) -> dict[str, int]:
    """How many unclear messages wait, for those who may read them."""
    if not request.membership.may("inbox:read"):
        return {}
    waiting = inbox.queries.to_look_at(request.tenant).order_by()[: MOST_TO_LOOK_AT + 1]
    return {"to_look_at": waiting.count(), "to_look_at_most": MOST_TO_LOOK_AT}


def _days(request: TenantRequest) -> int:
    asked = request.GET.get("days", "")
    return int(asked) if asked in {str(days) for days in PERIODS} else 30


def _tiles(found: Overview) -> list[dict[str, Any]]:
    sent: dict[str, Any] = {
        "key": "sent",
        "name": _("Sent"),
        "sentence": _("Messages that WhatsApp has sent in this period."),
        "unit": "count",
        "value": found.current.counts.sent,
    }
    rates: list[dict[str, Any]] = [
        {"key": k.key, "name": k.definition.name, "sentence": k.definition.sentence, "unit": k.definition.unit}
        | {"value": k.value}
        for k in (found.current.kpis[key] for key in TILES)
    ]
    return [_with_change(tile, found) for tile in (sent, *rates)]


def _with_change(tile: dict[str, Any], found: Overview) -> dict[str, Any]:
    change = found.changes.get(tile["key"])
    is_good = change is not None and (change < 0) == (tile["key"] in LESS_IS_BETTER)
    return tile | {"change": change, "is_good": is_good}


def _chart(period: Period) -> dict[str, Any]:
    rows = period.days
    return {
        "labels": [short_day(row.date) for row in rows],
        "series": [
            {"name": _("Sent"), "values": [row.counts.sent for row in rows]},
            {"name": _("Delivered"), "values": [row.counts.delivered for row in rows]},
            {"name": _("Read"), "values": [row.counts.read for row in rows]},
            {"name": _("Clicked"), "values": [row.counts.clicked for row in rows]},
        ],
    }


def _sentence(period: Period) -> str:
    return _(
        "From %(since)s to %(until)s: %(sent)s sent, %(delivered)s delivered, %(read)s read, %(clicked)s clicked."
    ) % {
        "since": day(period.since),
        "until": day(period.until),
        "sent": number(period.counts.sent),
        "delivered": number(period.counts.delivered),
        "read": number(period.counts.read),
        "clicked": number(period.counts.clicked),
    }


def _target(request: TenantRequest, row: Attention) -> str:
    """Where the thing can be looked at; empty for what has no screen yet."""
    if row.kind in {"import", "signup_form"}:
        return reverse(row.kind, kwargs={"tenant_slug": request.tenant.slug, "uid": row.uid})
    if row.kind in {"program", "number"}:
        return reverse(f"{row.kind}s", kwargs={"tenant_slug": request.tenant.slug})
    if row.kind == "scheduled":
        return reverse("campaign_review", kwargs={"tenant_slug": request.tenant.slug, "uid": row.uid})
    if row.kind not in {"campaign", "uncertain"}:
        return ""
    return reverse("campaign_report", kwargs={"tenant_slug": request.tenant.slug, "uid": row.uid})


def _steps(tenant: Tenant) -> list[dict[str, Any]]:
    """The way to the first campaign, ticked off from the data; empty once it is behind the workspace."""
    if tenant.campaigns.exclude(launched_at=None).exists():
        return []
    steps: list[dict[str, Any]] = [
        {
            "title": _("Conclude the data processing agreement"),
            "text": _("The law wants it (Art. 28 GDPR). It is read and concluded here."),
            "is_done": not agreements.is_open(agreements.accepted(tenant)),
            "view": "agreement",
            "needs": "settings:write",
            "label": _("Read and conclude"),
        },
        {
            "title": _("Connect a WhatsApp number"),
            "text": _(
                "Your business number sends the campaigns. Whoever runs the server connects it with the command"
                " “manage.py connect_number”; the README shows how."
            ),
            "is_done": tenant.numbers.exists(),
        },
        {
            "title": _("Import contacts"),
            "text": _(
                "With the proof of their consent, so that every message may be sent. Or let people sign up by a page"
                " and a QR code."
            ),
            "is_done": tenant.contacts.exists(),
            "view": "import_new",
            "needs": "contacts:write",
            "label": _("Import contacts"),
            "other": "signup_forms",
            "other_needs": "consent:read",
            "other_label": _("Sign-up forms"),
        },
        {
            "title": _("Have a template approved"),
            "text": _(
                "Meta checks every template; most are approved within minutes. Write it in Meta's WhatsApp Manager, and"
                " it arrives here by itself within the hour; or send it over the REST API."
            ),
            "is_done": tenant.templates.filter(status=Template.Status.APPROVED).exists(),
            "docs": _("API documentation"),
        },
        {
            "title": _("Send the first campaign"),
            "text": _("Choose the audience, look at the preview, send."),
            "is_done": False,
            "view": "campaign_new",
            "needs": "campaigns:write",
            "label": _("New campaign"),
        },
    ]
    following = next(step for step in steps if "view" in step and not step["is_done"])
    following["is_next"] = True
    return steps
