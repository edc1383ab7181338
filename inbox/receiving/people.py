"""Finds the contacts that webhooks speak of, all of a batch in one query."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q

from contacts import actions
from contacts.models import Contact
from contacts.queries import is_next_owner
from tenants.models import Tenant


class Person(NamedTuple):
    """What a webhook tells of a person: phone in E.164 and BSUID, of which one may be empty."""

    phone: str
    bsuid: str


def person(digits: str, bsuid: str) -> Person:
    """A person from Meta's fields, in which phone numbers have no plus."""
    return Person(f"+{digits}" if digits else "", bsuid)


def find(tenant: Tenant, people: Collection[Person]) -> dict[Person, Contact]:
    """The contacts already known, by BSUID first and then by phone, unless the number is somebody else's by now."""
    known = tenant.contacts.filter(
        Q(bsuid__in={p.bsuid for p in people if p.bsuid}) | Q(phone__in={p.phone for p in people if p.phone})
    )
    by_bsuid, by_phone = {}, {}
    for contact in known:
        by_bsuid[contact.bsuid], by_phone[contact.phone] = contact, contact
    matches = ((p, (p.bsuid and by_bsuid.get(p.bsuid)) or (p.phone and by_phone.get(p.phone))) for p in people)
    return {p: contact for p, contact in matches if contact and not is_next_owner(contact, p.bsuid)}


def find_or_create(
    tenant: Tenant, named: Iterable[tuple[Person, str, datetime]], merged: actions.Merged, lost: actions.Lost
) -> dict[Person, Contact]:
    """A contact for everyone, by (person, profile name, when they wrote); learns identifiers that a contact lacked.

    `merged` is called with contacts that turn out to be one person, `lost` with those whose number somebody else has by
    now. Raises ValueError for somebody without phone and BSUID.
    """
    in_order = sorted(named, key=lambda one: one[2])
    last = {who: (at, name) for who, name, at in in_order}
    first = {who: at for who, _name, at in reversed(in_order)}
    if Person("", "") in last:
        raise ValueError("a message without sender")
    found = find(tenant, last)
    # In a fixed order: two receivers that create the same people must not wait for each other crosswise. Of those who
    # share a number the last to write has it.
    sharing = Counter(who.phone for who in last if who.phone)
    for who in sorted(last, key=lambda one: (one.phone, last[one][0].timestamp() if one.phone else 0, one.bsuid)):
        if sharing[who.phone] > 1 or not _is_complete(found.get(who), who):
            found[who] = actions.find_or_create_for_whatsapp(
                tenant=tenant,
                phone=None if _is_anothers_since(tenant, who, last[who][0]) else who.phone or None,
                bsuid=who.bsuid or None,
                at=last[who][0],
                since=first[who],
                profile_name=last[who][1],
                merged=merged,
                lost=lost,
            )
    return found


def _is_anothers_since(tenant: Tenant, who: Person, at: datetime) -> bool:
    """Whether somebody else who has this number has written later: a late message must not take it from them."""
    owner = tenant.contacts.filter(phone=who.phone).first() if who.phone and who.bsuid else None
    if owner is None or not is_next_owner(owner, who.bsuid):
        return False
    return tenant.inbound_messages.filter(conversation__contact=owner, sent_at__gt=at).exists()


def _is_complete(contact: Contact | None, who: Person) -> bool:
    return contact is not None and who.phone in ("", contact.phone) and who.bsuid in ("", contact.bsuid)
