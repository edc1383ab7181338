"""Applies routed events tenant by tenant; what cannot be applied is found by halving and set aside alone."""

import logging
import traceback
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from django.db import OperationalError

from inbox.receiving import accounts, messages, moves, preferences, statuses, templates
from inbox.receiving.routing import Item
from tenants.away import is_away
from tenants.models import Tenant
from tenants.scope import tenant_scope
from whatsapp import events
from whatsapp.events import Event

logger = logging.getLogger(__name__)

Handler = Callable[[Tenant, list[Any]], None]
# A new number first, so that what the person writes from it finds the person. Other kinds are kept raw only.
HANDLERS: tuple[tuple[type, Handler], ...] = (
    (events.NumberChanged, moves.apply),
    (events.Inbound, messages.apply),
    (events.Preference, preferences.apply),
    (events.Status, statuses.apply),
    (events.NumberChanged, moves.apply_to_strangers),
    (events.TemplateStatus, templates.apply_status),
    (events.TemplateQuality, templates.apply_quality),
    (events.TemplateCategory, templates.apply_category),
    (events.TemplateComponents, templates.apply_components),
    (events.NumberQuality, accounts.apply_number_quality),
    (events.Capability, accounts.apply_capability),
    (events.AccountUpdate, accounts.apply_update),
)


# PostgreSQL's classes: connection, collision, resources, not ready, stopped, system. Other operational errors, such
# as a value too large for an index, are an event's own.
TROUBLES = {"08", "40", "53", "55", "57", "58"}


def apply(items: list[Item[Event]]) -> dict[int, str]:
    """Apply events in the caller's transaction; returns the faults by row id, everything else is done.

    Tenants are taken in the order of their ids: two receivers must not wait for each other.
    """
    faults: dict[int, str] = {}
    ordered = sorted(items, key=lambda item: (item.tenant.pk, item.row_id, item.position))
    for _, group in groupby(ordered, key=lambda item: item.tenant.pk):
        _apply_or_halve(list(group), faults)
    return faults


def _apply_or_halve(items: list[Item[Event]], faults: dict[int, str]) -> None:
    try:
        _apply_once(items)
    except Exception as error:
        if _is_trouble_of_the_database(error):
            # No event's fault: everything is tried again later.
            raise
        if len(items) > 1:
            middle = len(items) // 2
            _apply_or_halve(items[:middle], faults)
            _apply_or_halve(items[middle:], faults)
        else:
            faults[items[0].row_id] = _describe(items[0], error)
            logger.error("webhook %s set aside: %s", items[0].row_id, faults[items[0].row_id])


def _is_trouble_of_the_database(error: Exception) -> bool:
    if not isinstance(error, OperationalError):
        return is_away(error)
    code = getattr(error.__cause__, "pgcode", None)
    return code is None or code[:2] in TROUBLES


def _apply_once(items: list[Item[Event]]) -> None:
    tenant = items[0].tenant
    with tenant_scope(tenant):
        for kind, handler in HANDLERS:
            if chosen := [item for item in items if isinstance(item.event, kind)]:
                handler(tenant, chosen)
        accounts.mark_seen(tenant, _distinct(item.account.pk for item in items))


def _distinct(ids: Iterable[int]) -> list[int]:
    return sorted(set(ids))


def _describe(item: Item[Event], error: Exception) -> str:
    # Never the text of the error: PostgreSQL quotes the values that it refuses.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    cause = getattr(error.__cause__, "pgcode", None) or ""
    place = f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
    return f"{type(error).__name__} {cause} in {type(item.event).__name__} at {item.position} ({place})"
