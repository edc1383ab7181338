"""Applies what became of our messages: sent, delivered, read, failed."""

from inbox.receiving import preferences
from inbox.receiving.routing import Item
from messaging import delivery
from messaging.delivery import StatusChange
from tenants.models import Tenant
from whatsapp.events import Status

AT_A_TIME = 1000


def apply(tenant: Tenant, items: list[Item[Status]]) -> None:
    """Bring message rows forward; a failure with 131050 also records that the person stopped marketing."""
    for start in range(0, len(items), AT_A_TIME):
        delivery.apply(tenant.pk, [_change(item.event) for item in items[start : start + AT_A_TIME]])
    preferences.record_errors(tenant, [item for item in items if _is_stop(item.event)])


def _change(event: Status) -> StatusChange:
    return StatusChange(
        wamid=event.wamid,
        status=event.status,
        at=event.at,
        callback=event.callback,
        error_code=event.error.code if event.error else None,
        price_type=event.pricing.type if event.pricing else "",
        price_category=event.pricing.category if event.pricing else "",
    )


def _is_stop(event: Status) -> bool:
    return event.error is not None and event.error.rule.suppress_marketing
