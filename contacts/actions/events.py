"""Recording what contacts did: orders, refunds, carts, views, and anything a shop wants to name."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts import phones, queries
from contacts.actions.values import Errors, is_storable
from contacts.models import Event
from tenants.models import Tenant

MAX_ROWS = 10_000
# Clocks differ; an event further ahead is a mistake that would be "the last one" for ever.
CLOCK_SKEW = timedelta(days=1)
MAX_PROPERTIES = 10_000
WITH_MONEY = {Event.ORDER_PLACED, Event.ORDER_REFUNDED}


@dataclass(frozen=True)
class EventData:
    """One event; `event_id` is the sender's own id, and the contact is named by any of the four keys.

    `value` is the net amount in `currency`; refunds are positive too.
    """

    event_id: str
    name: str
    occurred_at: datetime
    phone: str | None = None
    external_id: str | None = None
    bsuid: str | None = None
    uid: UUID | None = None
    value: Decimal | None = None
    currency: str = ""
    order_id: str = ""
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """What became of one event: created, duplicate (stored before), or rejected with errors by field."""

    outcome: str
    errors: Errors = field(default_factory=dict)


@transaction.atomic
def record_events(*, tenant: Tenant, rows: Sequence[EventData]) -> list[Recorded]:
    """Store events in one statement; one answer per row, in order. At most MAX_ROWS, else ValidationError.

    The same event_id twice is stored once, however often and however concurrently it is sent. An event of somebody
    unknown is rejected with `unknown_contact`: events create no contacts.
    """
    if len(rows) > MAX_ROWS:
        raise ValidationError(_("Send at most %(limit)s events at once.") % {"limit": MAX_ROWS})
    keys = [_keys(tenant, row) for row in rows]
    directory = queries.Directory(queries.naming(tenant, keys))
    storable: list[tuple[int, EventData]] = []
    answers: list[Recorded | None] = []
    for row, names in zip(rows, keys, strict=True):
        people = {contact.pk: contact for _key, contact in directory.named(names)}
        errors = _errors(row) | _contact_errors(people)
        answers.append(Recorded("rejected", errors) if errors else None)
        if not errors:
            storable.append((next(iter(people)), row))
    new = _insert(tenant, storable)
    return [answer or _stored(row, new) for answer, row in zip(answers, rows, strict=True)]


def _keys(tenant: Tenant, row: EventData) -> dict[str, Any]:
    phone = row.phone and (phones.normalise(row.phone, tenant.country) or row.phone)
    return {"phone": phone, "external_id": row.external_id, "bsuid": row.bsuid, "uid": row.uid}


def _contact_errors(people: dict[int, Any]) -> Errors:
    if not people:
        return {"contact": [_("unknown_contact: create the contact first, then send its events.")]}
    if len(people) > 1:
        return {"contact": [_("conflicting_contact: the keys name different contacts; send only one.")]}
    return {}


def _errors(row: EventData) -> Errors:
    errors: Errors = {}
    if row.name in WITH_MONEY and row.value is None:
        errors["value"] = [_("An order needs its net value, for example 49.90.")]
    if row.value is not None and row.value < 0:
        errors["value"] = [_("Send a positive amount; the event's name says that it is a refund.")]
    if row.value is not None and not (len(row.currency) == 3 and row.currency.isascii() and row.currency.isupper()):
        errors["currency"] = [_("Send the currency in three letters of ISO 4217, for example EUR.")]
    written = json.dumps(row.properties, ensure_ascii=False)
    if len(written) > MAX_PROPERTIES or not is_storable(written) or "\\u0000" in written:
        errors["properties"] = [_("Send at most 10,000 characters of JSON, without control characters.")]
    if row.occurred_at > timezone.now() + CLOCK_SKEW:
        errors["occurred_at"] = [_("This lies in the future. Send the time with its zone, e.g. 2026-03-01T12:00:00Z.")]
    return errors


def _insert(tenant: Tenant, rows: Sequence[tuple[int, EventData]]) -> set[str]:
    """Store the events that are new and return their event ids."""
    if not rows:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_event"
            " (tenant_id, uid, contact_id, event_id, name, occurred_at, value, currency, order_id, properties)"
            " SELECT %s, gen_random_uuid(), contact_id, event_id, name, occurred_at, value, currency, order_id,"
            " properties FROM jsonb_to_recordset(%s::jsonb) AS given(contact_id bigint, event_id text, name text,"
            " occurred_at timestamptz, value numeric, currency text, order_id text, properties jsonb)"
            # Sorted, so that two senders of the same events cannot wait for each other.
            " ORDER BY event_id ON CONFLICT (tenant_id, event_id) DO NOTHING RETURNING event_id",
            [
                tenant.pk,
                json.dumps([_row(contact_id, row) for contact_id, row in rows], default=str),
            ],
        )
        return {event_id for (event_id,) in cursor.fetchall()}


def _row(contact_id: int, row: EventData) -> dict[str, Any]:
    names = ("event_id", "name", "occurred_at", "value", "currency", "order_id", "properties")
    return {"contact_id": contact_id, **{name: getattr(row, name) for name in names}}


def _stored(row: EventData, new: set[str]) -> Recorded:
    """The first row of an id that was stored now is the created one; later rows of the batch repeat it."""
    if row.event_id in new:
        new.remove(row.event_id)
        return Recorded("created")
    return Recorded("duplicate")
