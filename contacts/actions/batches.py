"""Rows being put into contacts: found and locked with one query, changed in memory, stored by set."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts import identities, queries
from contacts.actions import tags
from contacts.actions.values import FIELDS, IDENTITIES, NULLABLE, ContactData, Errors
from contacts.models import Contact, Program
from tenants.actions import Actor
from tenants.models import ApiKey, Tenant

KEYS = ("external_id", "bsuid", "phone")
RESTRICTED = gettext_lazy(
    "restricted: only storage. The person has had processing restricted (Art. 18 GDPR); lift that, or correct the data"
    " with a request for rectification."
)
BLANK = {name: None if name in NULLABLE else "" for name in FIELDS}
COLUMNS = {
    "phone": "text",
    "bsuid": "text",
    "email": "text",
    "external_id": "text",
    "first_name": "text",
    "last_name": "text",
    "language": "text",
    "country": "text",
    "postcode": "text",
    "birthday": "date",
    "attributes": "jsonb",
    "subject_id": "uuid",
    "phone_invalid_at": "timestamptz",
    "undelivered": "smallint",
    "unreachable_since": "timestamptz",
    "program_id": "bigint",
    "updated_at": "timestamptz",
}


@dataclass
class Upserted:
    """What became of one row: created, updated, unchanged, or rejected with errors by field."""

    contact: Contact | None
    outcome: str
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True)
class Moved:
    """A contact that messages go to another number or BSUID for from now on, with those it had before.

    `next_bsuid` is whose number it is now, where WhatsApp has told.
    """

    contact: Contact
    phone: str | None
    bsuid: str | None
    next_bsuid: str | None = field(default=None, compare=False)


# Records what a change of numbers means for consent, of which this app knows nothing; in the caller's transaction.
Recorder = Callable[[Sequence[Moved]], None]


def rejected(*names: str, because: str) -> Upserted:
    """The answer to a row that cannot be stored."""
    return Upserted(None, "rejected", {name: [because] for name in names})


class Batch:
    """Contacts of one transaction; `put` and `change` decide, `store` writes.

    Whoever was reached by a number gets another one only where `moved` records it; else the row is rejected. So is one
    about somebody whose processing is restricted to storage, unless `is_wish`: the person asked for it (Art. 18 GDPR).
    """

    def __init__(
        self, tenant: Tenant, rows: Iterable[ContactData], moved: Recorder | None = None, *, is_wish: bool = False
    ) -> None:
        self.tenant, self._record, self._is_wish = tenant, moved, is_wish
        # Locked in the order of ids, so that two batches cannot wait for each other.
        self.directory = queries.Directory(queries.naming(tenant, [row.values for row in rows]).select_for_update())
        self._new: list[Contact] = []
        self._changed: dict[int, Contact] = {}
        self._renamed: dict[int, Contact] = {}
        self._before: dict[int, Moved] = {}
        self._tagged: list[tuple[Contact, str, Upserted]] = []

    def put(self, data: ContactData) -> Upserted:
        """Find or make the contact that the row names by its keys, and change it."""
        keys = {key: data.values.get(key) for key in KEYS}
        if not any(keys.values()):
            return rejected("phone", because=_("Name the contact by phone, external_id or bsuid."))
        named = dict(self.directory.named(keys))
        if conflict := _conflict(named, keys):
            return conflict
        if named:
            return self.change(next(iter(named.values())), data)
        contact = Contact(tenant=self.tenant, attributes=_merged({}, data), **{**BLANK, **data.values})
        self._new.append(contact)
        self.directory.add(contact)
        return self._answered(contact, "created", data)

    def change(self, contact: Contact, data: ContactData) -> Upserted:
        """Give a contact its new values; one that has them already stays untouched."""
        if contact.restricted_at and not self._is_wish:
            return rejected("contact", because=str(RESTRICTED))
        values = {name: value for name, value in data.values.items() if getattr(contact, name) != value}
        is_renamed = not values.keys().isdisjoint(IDENTITIES)
        if is_renamed and not any(values.get(name, getattr(contact, name)) for name in IDENTITIES):
            return rejected(
                *values, because=_("A contact needs at least one of phone, e-mail, customer number or BSUID.")
            )
        if self._record is None and _leaves(contact, values):
            return rejected("phone", because=_("A known number is not changed here, because its consent ends with it."))
        attributes = _merged(contact.attributes, data)
        # Compared as JSON, where 1 and true differ.
        if not values and _json(attributes) == _json(contact.attributes):
            return self._answered(contact, "unchanged", data)
        self._set(contact, values, attributes)
        return self._answered(contact, "updated", data)

    def store(self, by: Actor = None) -> None:
        """Write everything that changed; new contacts know the program that brings them."""
        if self._new and isinstance(by, ApiKey):
            program, _created = Program.objects.get_or_create(tenant=self.tenant, api_key=by)
            for contact in self._new:
                contact.program = program
        # In the order of keys, so that two batches creating the same contacts cannot wait for each other.
        self._new.sort(key=lambda contact: [getattr(contact, key) or "" for key in KEYS])
        _insert(self.tenant, self._new)
        _update(self.tenant, list(self._changed.values()))
        identities.record(self.tenant, [*self._new, *self._renamed.values()])
        newly_tagged = tags.attach(self.tenant, [(contact.pk, tag) for contact, tag, _answer in self._tagged])
        for contact, _tag, answer in self._tagged:
            if contact.pk in newly_tagged and answer.outcome == "unchanged":
                answer.outcome = "updated"
        # Several rows may have led a contact to another number and back again.
        moved = [old for old in self._before.values() if _is_left(old, old.contact.phone, old.contact.bsuid)]
        if self._record and moved:
            self._record(moved)

    def _set(self, contact: Contact, values: dict[str, Any], attributes: dict[str, Any]) -> None:
        self.directory.remove(contact)
        if contact.pk and not values.keys().isdisjoint(("phone", "bsuid")):
            self._before.setdefault(contact.pk, Moved(contact, contact.phone, contact.bsuid))
        if "phone" in values:
            contact.phone_invalid_at = None
        for name, value in values.items():
            setattr(contact, name, value)
        contact.attributes, contact.updated_at = attributes, timezone.now()
        if "phone" in values:
            contact.undelivered, contact.unreachable_since = 0, None
        self.directory.add(contact)
        if contact.pk:
            self._changed[contact.pk] = contact
            if not values.keys().isdisjoint(IDENTITIES):
                self._renamed[contact.pk] = contact

    def _answered(self, contact: Contact, outcome: str, data: ContactData) -> Upserted:
        answer = Upserted(contact, outcome)
        self._tagged += [(contact, tag, answer) for tag in data.tags]
        return answer


def _leaves(contact: Contact, values: dict[str, Any]) -> bool:
    old = Moved(contact, contact.phone, contact.bsuid)
    return _is_left(old, values.get("phone", old.phone), values.get("bsuid", old.bsuid))


def _is_left(old: Moved, phone: str | None, bsuid: str | None) -> bool:
    """Whether messages go elsewhere than they did: to the number, which WhatsApp prefers, or for want of one the BSUID.

    So whoever had a BSUID only is left, too, by a number that somebody has typed.
    """
    before = old.phone or old.bsuid
    return before is not None and before != (phone or bsuid)


def _conflict(named: dict[str, Contact], keys: dict[str, Any]) -> Upserted | None:
    """Two keys naming two people must not be mixed into one."""
    found = list(named.values())
    if any(contact is not found[0] for contact in found[1:]):
        return rejected(*named, because=_("These keys name different contacts. Send only one of them."))
    theirs = found[0].external_id if found else None
    if theirs and keys["external_id"] and "external_id" not in named:
        because = _("This belongs to a contact with another customer number (external_id). Change that contact first.")
        return rejected(*named, because=because)
    return None


def _merged(attributes: dict[str, Any], data: ContactData) -> dict[str, Any]:
    """The stored attributes with the given ones; null deletes a key."""
    return {key: value for key, value in {**attributes, **data.attributes}.items() if value is not None}


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _insert(tenant: Tenant, contacts: Sequence[Contact]) -> None:
    """Store new contacts in one statement and give them their ids."""
    if not contacts:
        return
    names = ", ".join(("uid", *COLUMNS))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO contacts_contact (tenant_id, {names}) SELECT %s, {names}"
            f" FROM jsonb_to_recordset(%s::jsonb) AS given({_SHAPE}) RETURNING id, uid",
            [tenant.pk, _written(contacts)],
        )
        ids = {uid: pk for pk, uid in cursor.fetchall()}
    for contact in contacts:
        contact.pk = ids[contact.uid]
        contact._state.adding = False


def _update(tenant: Tenant, contacts: Sequence[Contact]) -> None:
    """Write whole rows in one statement; Django's bulk_update would send a CASE per row and column."""
    if not contacts:
        return
    assignments = ", ".join(f"{name} = given.{name}" for name in COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE contacts_contact c SET {assignments}"
            f" FROM jsonb_to_recordset(%s::jsonb) AS given({_SHAPE})"
            " WHERE c.tenant_id = %s AND c.id = given.id",
            [_written(contacts), tenant.pk],
        )


_SHAPE = ", ".join(f"{name} {kind}" for name, kind in {"id": "bigint", "uid": "uuid", **COLUMNS}.items())


def _written(contacts: Sequence[Contact]) -> str:
    """The rows as JSON, in order; PostgreSQL reads them back as a table."""
    names = ("id", "uid", *COLUMNS)
    return json.dumps([{name: getattr(contact, name) for name in names} for contact in contacts], default=str)
