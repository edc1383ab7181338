"""Celery doorways of analytics: figures for the operator that cost too much to read at every scrape."""

from typing import Any

from celery import shared_task

from analytics import recounting
from analytics.queries import totals
from tenants import counting
from tenants.models import Tenant
from tenants.scope import tenant_scope


@shared_task(expires=30)
def remember_totals(**_: Any) -> None:
    """Keep the sums over all tenants that /metrics shows."""
    counting.remember("totals", totals.everywhere())


@shared_task(expires=3600)
def check_kpis(**_: Any) -> None:
    """Have every tenant's KPI tables compared with a recount, one task each: millions of messages take seconds."""
    for tenant_id in Tenant.objects.order_by("pk").values_list("pk", flat=True):
        check_kpis_of.delay(tenant_id=tenant_id)


@shared_task
def check_kpis_of(*, tenant_id: int, **_: Any) -> None:
    """Compare one tenant's KPI tables with a recount and keep how many numbers differ."""
    with tenant_scope(tenant_id):
        found = recounting.drifts(tenant_id)
    counting.note_drift(tenant_id, len(found))
