"""Applies what people decided about our marketing in WhatsApp's own settings: stop and resume."""

from datetime import datetime
from typing import Any, NamedTuple

from consent.actions import declarations
from contacts.models import Contact
from inbox import queries
from inbox.receiving import people
from inbox.receiving.people import Person
from inbox.receiving.routing import Item
from messaging import delivery
from tenants.models import Tenant
from whatsapp.events import Preference, Status
from whatsapp.models import Number

MARKETING = "marketing_messages"


class Wish(NamedTuple):
    """A person's stop or resume for one of our numbers, with the time (UTC) and how we learned of it."""

    person: Person
    number: Number
    at: datetime
    source: str
    source_ref: str
    dedupe: str


def apply(tenant: Tenant, items: list[Item[Preference]]) -> None:
    """Record stops and resumes of marketing; other values and categories are kept raw only."""
    told = [item for item in items if item.number and item.event.category == MARKETING]
    _mark(tenant, _stop(tenant, [_wish(item) for item in told if item.event.value == "stop"]))
    _resume(tenant, [_wish(item) for item in told if item.event.value == "resume"])


def record_errors(tenant: Tenant, items: list[Item[Status]]) -> None:
    """Record the stops that failures with 131050 report; a stop known from the webhook stays as it is.

    No message is marked: the one that failed never arrived, so the person stopped before it.
    """
    _stop(tenant, [_reported(item) for item in items if item.number])


def _wish(item: Item[Preference]) -> Wish:
    event, number = item.event, item.number
    assert number
    who = people.person(event.phone, event.bsuid)
    key = f"{event.value}:{number.phone_number_id}:{who.phone}:{who.bsuid}:{event.at.timestamp():.0f}"
    return Wish(who, number, event.at, "meta_webhook", "user_preferences", key)


def _reported(item: Item[Status]) -> Wish:
    event, number = item.event, item.number
    assert number
    assert event.error
    who = people.person(event.recipient_phone, event.recipient_bsuid)
    return Wish(who, number, event.at, "meta_error", str(event.error.code), f"131050:{event.wamid}")


def _stop(tenant: Tenant, wishes: list[Wish]) -> list[tuple[Contact, Wish]]:
    """Record stops, which end what waits; returns those that hold."""
    stopped: list[tuple[Contact, Wish]] = []
    for wish, contact in _in_order(tenant, wishes):
        done = declarations.meta_stopped(**_said(tenant, wish, contact))
        # A resume that is newer than this stop may have come before it.
        is_stopped = any(row.after and wish.number.phone_number_id in row.after.stopped_numbers for row in done)
        if contact and is_stopped:
            stopped.append((contact, wish))
    return stopped


def _mark(tenant: Tenant, stopped: list[tuple[Contact, Wish]]) -> None:
    answered = queries.answered_messages(tenant.pk, [(contact.pk, wish.at, "") for contact, wish in stopped])
    marks = [(answer.id, wish.at) for answer, (_, wish) in zip(answered, stopped, strict=True) if answer]
    delivery.mark_opted_out(tenant.pk, marks)


def _resume(tenant: Tenant, wishes: list[Wish]) -> None:
    for wish, contact in _in_order(tenant, wishes):
        declarations.meta_resumed(**_said(tenant, wish, contact))


def _in_order(tenant: Tenant, wishes: list[Wish]) -> list[tuple[Wish, Contact | None]]:
    """Each wish with its contact, None for strangers: they are kept out by their number without becoming contacts."""
    if not wishes:
        return []
    known = people.find(tenant, {wish.person for wish in wishes})
    return [(wish, known.get(wish.person)) for wish in sorted(wishes, key=lambda wish: (wish.at, wish.dedupe))]


def _said(tenant: Tenant, wish: Wish, contact: Contact | None) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "contact": contact,
        "phone": wish.person.phone or None,
        "bsuid": wish.person.bsuid or None,
        "phone_number_id": wish.number.phone_number_id,
        "occurred_at": wish.at,
        "source": wish.source,
        "source_ref": wish.source_ref,
        "dedupe": wish.dedupe,
    }
