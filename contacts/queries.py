"""Reads of contacts: finding people by what names them, and searching lists of them."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Upper

from contacts import identities, phones
from contacts.models import Contact, ContactList, ContactTag, Identity, ListMember
from contacts.models.people import LONGEST_NAME
from tenants.models import Tenant

# What a caller may name a contact by.
KEYS = ("uid", "external_id", "bsuid", "phone")


class Directory:
    """Contacts by what names them, in memory: {"phone": {"+49…": contact}, …}."""

    def __init__(self, contacts: Iterable[Contact]) -> None:
        self._by_key: dict[tuple[str, Any], Contact] = {}
        for contact in contacts:
            self.add(contact)

    def add(self, contact: Contact) -> None:
        """Make a contact, perhaps not stored yet, findable."""
        self._by_key |= {(key, value): contact for key in KEYS if (value := getattr(contact, key))}

    def remove(self, contact: Contact) -> None:
        """Forget a contact whose keys are about to change."""
        for key in KEYS:
            self._by_key.pop((key, getattr(contact, key)), None)

    def named(self, keys: Mapping[str, Any]) -> Iterator[tuple[str, Contact]]:
        """(key, contact) for each of the keys that names somebody."""
        for key in KEYS:
            if (contact := self._by_key.get((key, keys.get(key)))) is not None:
                yield key, contact


def naming(tenant: Tenant, rows: Iterable[Mapping[str, Any]]) -> QuerySet[Contact]:
    """The tenant's contacts that any of these {"phone": …, "external_id": …} name; in the order of ids."""
    rows = list(rows)
    wanted = Q(pk__in=[])
    for key in KEYS:
        if values := {row[key] for row in rows if row.get(key)}:
            wanted |= Q((f"{key}__in", values))
    return tenant.contacts.filter(wanted).order_by("pk")


def is_next_owner(contact: Contact, bsuid: str | None) -> bool:
    """Whether whoever uses a contact's number under this BSUID, if it is known, has the number after that contact.

    WhatsApp gives everybody a BSUID of their own; one that the contact had before may still stand in late messages, and
    a contact without one may be known to be the same person as another who has one. Without both to compare, a number
    is the contact's until WhatsApp says that it was given away (consent-gdpr § 8).
    """
    if not bsuid:
        return contact.phone_invalid_at is not None
    if bsuid == contact.bsuid or identities.was_known_by(contact, Identity.Kind.BSUID, bsuid):
        return False
    known = identities.bsuids_of_person(contact)
    if contact.bsuid or known:
        return identities.digest(contact.tenant, Identity.Kind.BSUID, bsuid) not in known
    return contact.phone_invalid_at is not None


def search(contacts: QuerySet[Contact], text: str, country: str = "DE") -> QuerySet[Contact]:
    """Contacts whose e-mail or name starts with the text, whose phone holds it, or whose customer number it is.

    `country` says where a phone number without a country code belongs.
    """
    text = text.strip()
    if not text:
        return contacts
    if "@" in text:
        return contacts.filter(email__startswith=text.lower())
    if is_number(text):
        # Without a leading 0 or + it may be the end of a number, although it looks like a whole one.
        number = phones.normalise(text, country) if text.startswith(("0", "+", "(")) else None
        # A customer number may look like a phone number.
        return contacts.filter(Q(phone=number) | Q(external_id=text)) if number else contacts.filter(_holds(text))
    return contacts.filter(_is_called(text))


def with_tags(contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    """The same contacts with their tags loaded in one further query."""
    tagged = ContactTag.objects.select_related("tag").order_by("tag__name")
    return contacts.prefetch_related(Prefetch("contact_tags", queryset=tagged))


def is_number(text: str) -> bool:
    """Whether somebody looks for a phone number or a part of one, not for a name."""
    return sum(sign.isdecimal() for sign in text) >= 3 and not any(sign.isalpha() for sign in text)


def _holds(text: str) -> Q:
    digits = "".join(sign for sign in text if sign.isdecimal())
    return Q(phone__contains=digits.lstrip("0")) | Q(external_id__startswith=digits)


def _is_called(text: str) -> Q:
    """First, last or whole name starts with the text, or the name in WhatsApp; or it is the customer number."""
    called = _starts("search_name", text) | _starts("search_last_name", text) | Q(external_id=text)
    first, _blank, last = text.partition(" ")
    return called | _starts("search_name", first) & _starts("search_last_name", last) if last else called


def _starts(field: str, text: str) -> Q:
    """As two comparisons: row-level security lets no LIKE be answered by an index."""
    text = text[:LONGEST_NAME]
    last = text + chr(sys.maxunicode)
    return Q((f"{field}__gte", Upper(Value(text))), (f"{field}__lt", Upper(Value(last))))


def with_member_count(lists: QuerySet[ContactList]) -> QuerySet[ContactList]:
    """The lists, each with `member_count`.

    Counted list by list out of an index; joined with their members and grouped, a million cost ten times as much.
    """
    members = ListMember.objects.filter(tenant=OuterRef("tenant"), list=OuterRef("pk")).order_by()
    counted = members.values("list").annotate(number=Count("*")).values("number")
    return lists.annotate(member_count=Coalesce(Subquery(counted), 0))
