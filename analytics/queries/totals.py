"""Sums over all tenants and all time, for the operator: too much to read at every scrape, so a task remembers them."""

from typing import Any

from django.db.models import Sum

from analytics.models import Kpi, ReasonKpi
from messaging.models import Message
from tenants.scope import across_tenants
from whatsapp.errors import rule_for

REACHED = ("accepted", "sent", "delivered", "read", "clicked", "replied", "opted_out")


def everywhere() -> dict[str, Any]:
    """Messages by state now, by how far they ever got, and failed ones by the class of Meta's error."""
    states = {f"in_{state.name.lower()}": state.name.lower() for state in Message.State}
    with across_tenants("an operator watches all tenants together"):
        sums = Kpi.objects.aggregate(**{name: Sum(name, default=0) for name in (*states, *REACHED)})
        failed = list(
            ReasonKpi.objects.filter(state=Message.State.FAILED)
            .values_list("error_code")
            .annotate(Sum("messages"))
            .order_by("error_code")
        )
    by_class: dict[str, int] = {}
    for code, messages in failed:
        name = rule_for(code).error_class.value if code else "none"
        by_class[name] = by_class.get(name, 0) + int(messages)
    return {
        "states": {name: int(sums[column]) for column, name in states.items()},
        "reached": {name: int(sums[name]) for name in REACHED},
        "failed": by_class,
    }
