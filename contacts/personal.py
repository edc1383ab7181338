"""What contacts hold of a person: told on request (Art. 15 GDPR), and forgotten (Art. 17).

`Section` is what every app tells with. docs/decisions/0011 says how the apps' modules of this name are found.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, BinaryIO, cast

import orjson
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from contacts import phones
from contacts.importing import staging
from contacts.models import Contact, Event, Import, NotedRow, RejectedRow, StagedRow
from tenants import repeating
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope

NAMING = ("phone", "bsuid", "email", "external_id")
WORKING = (Import.State.CHECKING, Import.State.RUNNING)
ROWS_AT_A_TIME = 2000
LINES_AT_A_TIME = 10_000
GONE_TEXT = "–"
UID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# How the trail calls the end of a contact.
ENDS = ("contact.deleted", "contact.erased")


def texts_in(node: Any, leaving_out: Collection[str] = ()) -> Iterator[str]:
    """All texts in a JSON document, but what stands under one of these names."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for name, value in node.items():
            if name not in leaving_out:
                yield from texts_in(value, leaving_out)
    elif isinstance(node, list):
        for item in node:
            yield from texts_in(item, leaving_out)


class NotYet(Exception):
    """Somebody is working with the person's data just now; the text says who, in the user's language."""


@dataclass(frozen=True)
class Section:
    """Some rows about one person: `name` for machines, `title` and the columns' `labels` for people.

    `rows` may be an iterator and is read once: a person may have thousands of them.
    """

    name: str
    title: str
    labels: Mapping[str, str]
    rows: Iterable[Mapping[str, Any]]


def tell(contact: Contact) -> Iterator[Section]:
    """Master data, tags, lists, what they did, and what was done with the contact."""
    yield Section("person", _("Master data"), _labels(), [{name: getattr(contact, name) for name in _labels()}])
    tags = contact.contact_tags.order_by("tag__name").values_list("tag__name", flat=True)
    yield Section("tags", _("Tags"), {"name": _("Tag")}, ({"name": name} for name in tags))
    yield Section("lists", _("Lists"), {"name": _("List"), "added_at": _("Added")}, _lists(contact))
    labels = {
        "occurred_at": _("When"),
        "name": _("Event"),
        "value": _("Value"),
        "currency": _("Currency"),
        "order_id": _("Order"),
        "event_id": _("Number"),
        "properties": _("Details"),
    }
    events = contact.events.order_by("occurred_at", "pk").values(*labels)
    yield Section("events", _("Orders and other events"), labels, events.iterator(ROWS_AT_A_TIME))
    yield Section("changes", _("Changes of the record"), {"at": _("When"), "verb": _("What")}, _changes(contact))


def _labels() -> dict[str, str]:
    return {
        "first_name": _("First name"),
        "last_name": _("Last name"),
        "phone": _("Phone number"),
        "email": _("E-mail"),
        "external_id": _("Customer number"),
        "bsuid": _("WhatsApp user id (BSUID)"),
        "language": _("Language"),
        "country": _("Country"),
        "postcode": _("Postcode"),
        "birthday": _("Birthday"),
        "attributes": _("Attributes"),
        "restricted_at": _("Processing restricted since"),
        "phone_invalid_at": _("Number given away since"),
        "unreachable_since": _("Not reachable since"),
        "created_at": _("Stored since"),
        "brought_by": _("Brought by the program"),
        "updated_at": _("Last changed"),
        "uid": _("Number of the record"),
    }


def _lists(contact: Contact) -> Iterator[dict[str, Any]]:
    for member in contact.list_members.select_related("list").order_by("list__name"):
        yield {"name": member.list.name, "added_at": member.added_at}


def _changes(contact: Contact) -> Iterable[Mapping[str, Any]]:
    done = AuditEvent.objects.filter(tenant=contact.tenant_id, object_uid=str(contact.uid))
    # By time, as the trail's index has them: by number, those of all companies would be walked through.
    return done.order_by("at", "pk").values("at", "verb").iterator(ROWS_AT_A_TIME)


def clear(contact: Contact) -> None:
    """Delete uploaded files that name the person, whole, with what is kept of their lines; each step commits.

    Imports stay with their counts, as after 30 days. Stored answers to programs are emptied. Raises NotYet while such a
    file is being imported.
    """
    named = Named.of(contact)
    _clear_files(contact.tenant_id, named)
    _clear_answers(contact.tenant_id, named)


def clear_named(tenant: Tenant, named: "Named") -> dict[str, int]:
    """Delete what names somebody who is no contact: files, lines that wait, stored answers; returns how many of each.

    Each step commits. Raises NotYet, before anything went, while such a file is being imported.
    """
    files = _clear_files(tenant.pk, named)
    with tenant_scope(tenant):
        _forget_heads(tenant.pk, named)
        lines = _forget_staged(tenant.pk, named.staged)
    return {"files": files, "lines": lines, "answers": _clear_answers(tenant.pk, named)}


def _clear_files(tenant_id: int, named: "Named") -> int:
    with tenant_scope(tenant_id):
        kept = list(Import.objects.filter(tenant=tenant_id).exclude(file=""))
    naming = [imported for imported in kept if named.is_in_file(imported)]
    if any(imported.state in WORKING for imported in naming):
        raise NotYet(_("An import names this person and is still running. The erasure goes on after it."))
    for imported in naming:
        # The file before its name, so that a killed worker leaves none behind that nobody knows of.
        imported.file.delete(save=False)
        with tenant_scope(tenant_id):
            Import.objects.filter(tenant=tenant_id, pk=imported.pk).update(file="")
    _clear_lines(tenant_id)
    return len(naming)


def _clear_lines(tenant_id: int) -> None:
    """What is kept of single lines goes with the file; batch by batch, for it can be a million."""
    for model in (RejectedRow, NotedRow):
        more = True
        while more:
            with tenant_scope(tenant_id):
                over: Any = model.objects.filter(tenant=tenant_id, imported__file="")
                pks = list(over.values_list("pk", flat=True)[:LINES_AT_A_TIME])
                model.objects.filter(tenant=tenant_id, pk__in=pks).delete()
            more = len(pks) == LINES_AT_A_TIME


def forget(contact: Contact) -> None:
    """Delete the contact with identities, tags, list entries and events; `forget_answers` follows the commit."""
    tenant_id, named = contact.tenant_id, Named.of(contact)
    _forget_staged(tenant_id, named.staged | Q(contact_id=contact.pk))
    _forget_heads(tenant_id, named)
    Event.objects.filter(tenant=tenant_id, contact=contact.pk).delete()
    contact.delete()


def _forget_heads(tenant_id: int, named: "Named") -> None:
    """Somebody's data stand where headers should in a file without any, and perhaps in a file's name.

    The others keep their places, because rejected lines are shown below them; what is being worked on keeps all.
    """
    imports = Import.objects.filter(tenant=tenant_id)
    for imported in imports.only("headers", "mapping", "filename", "default_country", "state"):
        own = [cell for cell in imported.headers if named.is_in([cell], imported.default_country)]
        if own and imported.state not in WORKING:
            headers = [GONE_TEXT if cell in own else cell for cell in imported.headers]
            mapping = {header: target for header, target in imported.mapping.items() if header not in own}
            imports.filter(pk=imported.pk).update(headers=headers, mapping=mapping)
        if any(text.lower() in imported.filename.lower() for text in named.texts):
            imports.filter(pk=imported.pk).update(filename=GONE_TEXT)


def _forget_staged(tenant_id: int, naming: Q) -> int:
    gone, _by_model = StagedRow.objects.filter(naming, tenant=tenant_id).delete()
    return gone


def _clear_answers(tenant_id: int, named: "Named") -> int:
    """A repeat of the request must not create the person again, so an answer is emptied and its key stays."""
    gone = 0
    for rows in repeating.batches(tenant_id):
        naming = [row for row in rows if named.is_in_answer(bytes(row.body))]
        by_key = [row for row in rows if any(text.lower() in row.key.lower() for text in named.texts)]
        with tenant_scope(tenant_id):
            repeating.hide(by_key)
            gone += repeating.empty(naming)
    return gone


def forget_answers(tenant: Tenant) -> None:
    """Empty stored answers that name contacts who were deleted since; one look serves any number of deletions.

    Opens scopes of its own, for nothing may wait while thousands of answers are read.
    """
    for rows in repeating.batches(tenant.pk):
        named = {row.pk: {uid.decode() for uid in UID.findall(bytes(row.body))} for row in rows}
        since = min(row.created_at for row in rows)
        with tenant_scope(tenant):
            ended = AuditEvent.objects.filter(tenant=tenant, at__gte=since, verb__in=ENDS)
            asked = ended.filter(object_uid__in=set().union(*named.values()))
            gone = set(asked.values_list("object_uid", flat=True))
            repeating.empty([row for row in rows if named[row.pk] & gone])


def last_use(tenant: Tenant, contact_ids: Collection[int]) -> dict[int, datetime]:
    """When each of these contacts last did something: an order, a visit."""
    events = Event.objects.filter(tenant=tenant, contact__in=contact_ids).order_by()
    return dict(events.values_list("contact").annotate(last=Max("occurred_at")))


@dataclass(frozen=True)
class Named:
    """By what somebody can be recognised in files, lines and texts: their values of NAMING."""

    values: Mapping[str, str]

    @classmethod
    def of(cls, contact: Contact) -> "Named":
        """By all that names the contact."""
        return cls({key: value for key in NAMING if (value := getattr(contact, key))})

    @property
    def phone(self) -> str:
        return self.values.get("phone", "")

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """What names them in any text, the phone without its plus; what is too short to name anybody is left out."""
        return tuple(text for value in self.values.values() if len(text := value.removeprefix("+")) >= 4)

    @cached_property
    def _written(self) -> list[re.Pattern[str]]:
        """What finds number and address in any text, whole: others' may begin or end with the same signs."""
        email = self.values.get("email")
        address = rf"(?<![\w.+-]){re.escape(email)}(?![\w-]|\.\w)" if email else ""
        number = [phones.written(self.phone)[1]] if self.phone else []
        return [*number, re.compile(address, re.IGNORECASE)] if address else number

    def is_written_in(self, text: str) -> bool:
        """Whether a text that somebody wrote holds the number, in the usual spellings, or the address."""
        return any(pattern.search(text) for pattern in self._written)

    def is_in_answer(self, body: bytes) -> bool:
        """Whether a stored answer names them: by a value of its own, or by number or address in a text."""
        try:
            told = texts_in(orjson.loads(body))
        except orjson.JSONDecodeError:
            told = iter([body.decode(errors="replace")])
        own = {text.lower() for text in self.texts}
        return any(text.lower().removeprefix("+") in own or self.is_written_in(text) for text in told)

    @property
    def staged(self) -> Q:
        """Lines of imports that are still worked on and name them."""
        return Q(("pk__in", []), *self.values.items(), _connector=Q.OR)

    def is_in_file(self, imported: Import) -> bool:
        """Whether a line of the uploaded file names the person; a file that cannot be read may do so."""
        if self.is_in(imported.headers, imported.default_country):
            return True
        try:
            with imported.file.open("rb") as file:
                lines = staging.lines(imported, cast(BinaryIO, file))
                return any(self.is_in(cells, imported.default_country) for _line, cells in lines)
        except FileNotFoundError:
            return False
        except (UnicodeError, ValueError):
            return True

    def is_in(self, cells: Iterable[str], country: str) -> bool:
        """Whether one of the cells holds phone or address, however they are written, or is what else names them."""
        return any(self._is(cell, country) for cell in cells)

    def _is(self, cell: str, country: str) -> bool:
        text = cell.strip().lower()
        if any(own.lower() == text for own in self.texts):
            return True
        tail, digits = self.phone[-6:], re.sub(r"\D", "", cell)
        may_be = bool(tail) and tail in digits
        if may_be and phones.normalise(cell, country) == self.phone:
            return True
        return (may_be or "@" in cell) and self.is_written_in(cell)
