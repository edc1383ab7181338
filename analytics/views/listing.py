"""The campaign list: every campaign with how far it has come and what became of it."""

from typing import Any

from django.core.paginator import Page
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from analytics import kpi
from analytics.queries.sums import by_source
from campaigns.models import Campaign
from tenants.models import Tenant
from tenants.pages import STOP_POLLING, TenantRequest, page_of, requires

State = Campaign.State
MOVING = (State.RUNNING,)


@require_GET
@requires("campaigns:read")
def campaigns(request: TenantRequest) -> HttpResponse:
    """Campaigns, newest first, by state and name; polled by htmx while one of those shown is running."""
    state = request.GET.get("state", "")
    search = request.GET.get("q", "").strip()
    found = request.tenant.campaigns.order_by("-id")
    if search:
        found = found.filter(name__icontains=search)
    tabs = _tabs(request.tenant, search)
    page = page_of(found.filter(state=state) if state in State.values else found, request, size=25)
    rows = _rows(request.tenant, page)
    is_moving = any(row["campaign"].state in MOVING for row in rows)
    context = {
        "tabs": tabs,
        "state": state,
        "search": search,
        "page": page,
        "rows": rows,
        "is_moving": is_moving,
        "is_any": bool(tabs[0]["count"]) or bool(search),
    }
    if request.htmx and request.htmx.target == "rows":
        # The last poll still swaps, so that the finished state shows.
        return render(request, "analytics/campaigns.html#rows", context, status=200 if is_moving else STOP_POLLING)
    template = "analytics/campaigns.html#list" if request.htmx else "analytics/campaigns.html"
    return render(request, template, context)


def _tabs(tenant: Tenant, search: str) -> list[dict[str, Any]]:
    found = tenant.campaigns.filter(name__icontains=search) if search else tenant.campaigns.all()
    by_state = dict(found.order_by().values_list("state").annotate(number=Count("id")))
    tabs = [{"value": "", "label": "", "count": sum(by_state.values())}]
    return tabs + [{"value": s.value, "label": s.label, "count": by_state.get(s.value, 0)} for s in State]


def _rows(tenant: Tenant, page: Page[Campaign]) -> list[dict[str, Any]]:
    counts = by_source(tenant.pk, [campaign.source_id for campaign in page if campaign.source_id])
    rows = []
    for campaign in page:
        own = counts.get(campaign.source_id or 0, kpi.Counts())
        rows.append({"campaign": campaign, "counts": own, "done": _done(own), "kpis": kpi.measure(own)})
    return rows


def _done(counts: kpi.Counts) -> int:
    """Who needs no more work; those whose message was called off were not worked off."""
    return counts.audience - counts.open - counts.in_cancelled - counts.in_expired
