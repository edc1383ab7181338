"""Walks the apps that hold personal data, from the top of the house down (docs/decisions/0011).

`settings.PERSONAL_DATA` names a module `personal` of each app, which has what applies of: `tell(contact)` yields
sections, `clear(contact)` does what is slow and may be repeated, in transactions of its own, `clear_named(tenant,
named)` the same for somebody who is no contact and says how much that was, `forget(contact)` deletes rows in the
caller's transaction, `stop(tenant, contact_ids)` ends there what waits for people who have just said no,
`leave(contact, topics)` what waits for a person as somebody on topics that they have just left (decision 0018),
`last_use(tenant, contact_ids)` says when people were last in touch, `reached(tenant, contact_ids)` who was ever written
to or wrote, `let_go(tenant, before=, most=)` lets go of what is past its time, `would_go(tenant, before=, most=)`
counts that, `activities(tenant)` yields what the app does with personal data for the record of Art. 30 GDPR, and
`last_campaign(contact, language)` tells why a person was chosen.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from importlib import import_module
from typing import Any

from django.conf import settings

from contacts.models import Contact, ContactList
from contacts.personal import Named, Section
from tenants.models import Tenant


def told(contact: Contact) -> Iterator[Section]:
    """Everything that is held of a person; rows are read as they are asked for."""
    # Who they are first, statistics last.
    for tell in reversed(list(_each("tell"))):
        yield from tell(contact)


def clear(contact: Contact) -> None:
    """Take the person out of files and raw logs; raises contacts.personal.NotYet."""
    for step in _each("clear"):
        step(contact)


def clear_named(tenant: Tenant, named: Named) -> Iterator[dict[str, int]]:
    """Delete what names somebody who is no contact, app by app; how much of each kind. Raises NotYet as `clear`."""
    for step in _each("clear_named"):
        yield step(tenant, named)


def forget(contact: Contact) -> None:
    """Delete or make anonymous every row about the person, in the caller's transaction."""
    for step in _each("forget"):
        step(contact)


def stop(tenant: Tenant, contact_ids: Collection[int]) -> None:
    """End what waits for these people and is not allowed any more, in the transaction that wrote down their no (CG-22).

    A sender may be claiming just then, so this only makes screens right at once; what decides is asked at the claim.
    """
    if contact_ids:
        for step in _each("stop"):
            step(tenant, contact_ids)


def leave(contact: Contact, topics: Collection[ContactList]) -> None:
    """End what waits for a person only because they were on these topics, in the transaction in which they left them.

    What a sender is claiming just then goes out: a topic is no consent, and is not asked about at the claim.
    """
    if topics:
        for step in _each("leave"):
            step(contact, topics)


def last_use(tenant: Tenant, contact_ids: Collection[int]) -> dict[int, datetime]:
    """When each of these contacts was last sent something or did something; who never was or did is missing."""
    last: dict[int, datetime] = {}
    for known in _each("last_use"):
        for contact_id, at in known(tenant, contact_ids).items():
            last[contact_id] = max(at, last.get(contact_id, at))
    return last


def reached(tenant: Tenant, contact_ids: Collection[int]) -> set[int]:
    """Those of these contacts who were ever sent something or wrote."""
    return set[int]().union(*(known(tenant, contact_ids) for known in _each("reached")))


def let_go(tenant: Tenant, *, before: datetime, most: int) -> dict[str, int]:
    """Let go of up to `most` rows of each kind from before a time; returns how many, by kind (a Disposal's)."""
    done: dict[str, int] = {}
    for step in _each("let_go"):
        done |= step(tenant, before=before, most=most)
    return done


def would_go(tenant: Tenant, *, before: datetime, most: int) -> dict[str, int]:
    """How many rows of each kind `let_go` would let go of, counted up to one more than `most`."""
    found: dict[str, int] = {}
    for step in _each("would_go"):
        found |= step(tenant, before=before, most=most)
    return found


def activities(tenant: Tenant) -> Iterator[Any]:
    """What a company does with personal data in upper apps (consent.records.Activity); of what it uses only."""
    for step in _each("activities"):
        yield from step(tenant)


def last_campaign(contact: Contact, language: str) -> Any:
    """The last campaign that reached a person (consent.explaining.Sending); None where none did."""
    return next((found for tell in _each("last_campaign") if (found := tell(contact, language))), None)


def _each(name: str) -> Iterator[Callable[..., Any]]:
    for path in settings.PERSONAL_DATA:
        if step := getattr(import_module(path), name, None):
            yield step
