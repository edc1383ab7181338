"""What the inbox holds of a person: told on request, forgotten in threads and in the log of raw webhooks."""

import re
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts import phones
from contacts.models import Contact
from contacts.personal import Named, NotYet, Section, texts_in
from inbox.models import Conversation, InboundMessage
from messaging.models import Message
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope
from whatsapp.models import Account, Number

ROWS_AT_A_TIME = 500
BODIES_AT_A_TIME = 200
# Raw webhooks are kept for 30 days and lie in a partition a day.
DAYS = 31
# What separates the digits of a number that somebody typed says nothing, as in contacts.phones.
NAMING = """
SELECT e.id, e.body FROM inbox_webhookevent e
CROSS JOIN LATERAL (
    SELECT lower(translate(encode(e.body, 'escape'), E' ./()-\\\\', '') COLLATE "C") AS told OFFSET 0) b
WHERE e.received_at >= %(start)s AND e.received_at < %(end)s AND e.id > %(after)s AND (e.state = 0) = %(is_waiting)s
  AND (e.account_id IS NULL OR e.account_id = ANY(%(accounts)s))
  AND (position('phone_number_id'::bytea IN e.body) = 0
    OR EXISTS (SELECT FROM unnest(%(own)s::bytea[]) AS own WHERE position(own IN e.body) > 0))
  AND EXISTS (SELECT FROM unnest(%(words)s::text[]) AS word WHERE position(word IN b.told) > 0)
ORDER BY e.id LIMIT %(most)s FOR UPDATE OF e
"""
SIGNS = str.maketrans("", "", " ./()-\\")
# Metadata say to whom it was sent.
OURS = ("metadata", "display_phone_number")
REWRITE = """
UPDATE inbox_webhookevent e SET body = v.body FROM unnest(%s::bigint[], %s::bytea[]) AS v(id, body)
WHERE e.id = v.id AND e.received_at >= %s AND e.received_at < %s
"""
DELETE = "DELETE FROM inbox_webhookevent WHERE id = ANY(%s) AND received_at >= %s AND received_at < %s"
LET_GO = """
WITH old AS MATERIALIZED (
  SELECT id FROM inbox_inboundmessage WHERE tenant_id = %(tenant)s AND sent_at < %(before)s
  ORDER BY sent_at LIMIT %(most)s
)
DELETE FROM inbox_inboundmessage i USING old WHERE i.tenant_id = %(tenant)s AND i.id = old.id
"""


def tell(contact: Contact) -> Iterator[Section]:
    """Everything the person wrote, tapped or sent, with the number it was sent to."""
    labels = {
        "sent_at": _("When"),
        "number": _("To"),
        "type": _("Kind"),
        "text": _("Text"),
        "payload": _("Button"),
        "is_opt_out": _("Opt-out"),
        "content": _("Details"),
        "wamid": _("WhatsApp's number of the message"),
    }
    yield Section("received", _("Messages from you"), labels, _received(contact))


def _received(contact: Contact) -> Iterator[dict[str, Any]]:
    written = InboundMessage.objects.filter(tenant=contact.tenant_id, conversation__contact=contact.pk)
    fields = ("sent_at", "type", "text", "payload", "is_opt_out", "content", "wamid")
    shown = written.order_by("sent_at", "pk").values(*fields, "conversation__number__display_number")
    for row in shown.iterator(ROWS_AT_A_TIME):
        yield {**row, "number": row.pop("conversation__number__display_number")}


def clear(contact: Contact) -> None:
    """Take the person's items out of the raw webhooks of the last month, day by day; each step commits.

    What concerns others stays in the body. What arrives later about messages sent before, such as a read receipt, is
    dropped with its day: nobody can recognise it any more. Raises NotYet while what they wrote waits to be read.
    """
    _clear(contact.tenant, Named.of(contact), _ids(contact))


def clear_named(tenant: Tenant, named: Named) -> dict[str, int]:
    """The same for somebody who is no contact; returns how many webhooks named them."""
    return {"webhooks": _clear(tenant, named, set())}


def _ids(contact: Contact) -> set[str]:
    """What else names the person in a webhook: wamids contain the phone, encoded."""
    since = timezone.now() - timedelta(days=DAYS)
    with tenant_scope(contact.tenant_id):
        sent = Message.objects.filter(tenant=contact.tenant_id, contact=contact.pk, created_at__gte=since)
        written = InboundMessage.objects.filter(
            tenant=contact.tenant_id, conversation__contact=contact.pk, received_at__gte=since
        )
        wamids = {*sent.values_list("wamid", flat=True), *written.values_list("wamid", flat=True)}
    return {name for name in (contact.bsuid, *wamids) if name}


class Own(NamedTuple):
    """What says in a webhook that it is this company's: what was written to others may not even have been read."""

    numbers: set[str]
    accounts: dict[int, str]

    @classmethod
    def of(cls, tenant: Tenant) -> "Own":
        """By its numbers and accounts; in a scope."""
        numbers = Number.objects.filter(tenant=tenant).values_list("phone_number_id", flat=True)
        return cls(set(numbers), dict(Account.objects.filter(tenant=tenant).values_list("pk", "waba_id")))

    def changes(self, document: Any) -> Iterator[dict[str, Any]]:
        """The company's own changes in a body, which may hold those of others, too."""
        for entry in _dicts(document, "entry"):
            for change in _dicts(entry, "changes"):
                value = change.get("value")
                metadata = value.get("metadata") if isinstance(value, dict) else None
                number = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
                # It may be of any shape, for nobody has looked at it before.
                is_named = isinstance(number, str) and number
                if number in self.numbers if is_named else entry.get("id") in self.accounts.values():
                    yield change


class Sought(NamedTuple):
    """Whom to look for: by number and address in any text, and by ids that stand alone."""

    named: Named
    ids: Collection[str]

    @property
    def words(self) -> list[str]:
        """What no body that names them is without, as NAMING reads it."""
        email, phone = self.named.values.get("email", ""), self.named.phone
        number = phones.written(phone)[0] if phone else ""
        return [word.translate(SIGNS).lower() for word in (number, email, *self.ids) if word]

    def is_in(self, node: Any) -> bool:
        """Whether a part of a body names them."""
        return any(text in self.ids or self.named.is_written_in(text) for text in texts_in(node, OURS))


def _clear(tenant: Tenant, named: Named, ids: Collection[str]) -> int:
    with tenant_scope(tenant):
        own = Own.of(tenant)
        shown = Number.objects.filter(tenant=tenant).values_list("display_number", flat=True)
        ours = {re.sub(r"\D", "", number) for number in shown}
    by = {kind: value for kind, value in named.values.items() if kind in ("phone", "email")}
    if by.get("phone", "").lstrip("+") in ours:
        # Somebody has entered the company's own number, by which everything would be found.
        del by["phone"]
    sought = Sought(Named(by), ids)
    today, cleared = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0), 0
    days = [today - timedelta(days=day) for day in range(DAYS + 1)] if sought.words else []
    # What waits is found by its index; somebody may say no in it.
    if days and _is_waiting(own, sought, days[-1], today + timedelta(days=1)):
        raise NotYet(_("What this person wrote has just arrived and is being read. The erasure goes on after that."))
    for start in days:
        after: int | None = 0
        while after is not None:
            count, after = _clear_some(own, sought, start, start + timedelta(days=1), after)
            cleared += count
    return cleared


def _found(
    cursor: CursorWrapper, own: Own, sought: Sought, start: datetime, end: datetime, after: int, *, is_waiting: bool
) -> list[tuple[int, bytes]]:
    """Some bodies that came for the company, or do not say for whom, and may name the person: (id, body)."""
    ids = [name.encode() for name in (*own.numbers, *own.accounts.values())]
    values: dict[str, Any] = {
        "start": start,
        "end": end,
        "after": after,
        "is_waiting": is_waiting,
        "accounts": list(own.accounts),
        "own": ids,
        "words": sought.words,
        "most": BODIES_AT_A_TIME,
    }
    cursor.execute(NAMING, values)
    return [(pk, bytes(body)) for pk, body in cursor.fetchall()]


def _is_waiting(own: Own, sought: Sought, start: datetime, end: datetime) -> bool:
    after, some = 0, BODIES_AT_A_TIME
    while some == BODIES_AT_A_TIME:
        with across_tenants("a raw webhook belongs to no tenant"), connection.cursor() as cursor:
            found = _found(cursor, own, sought, start, end, after, is_waiting=True)
        if any(without(body, own, sought) != body for _pk, body in found):
            return True
        after, some = found[-1][0] if found else 0, len(found)
    return False


def _clear_some(own: Own, sought: Sought, start: datetime, end: datetime, after: int) -> tuple[int, int | None]:
    """Clear some bodies of one day; returns how many, and where the next ones begin."""
    with across_tenants("a raw webhook belongs to no tenant"), connection.cursor() as cursor:
        found = _found(cursor, own, sought, start, end, after, is_waiting=False)
        left = [(pk, without(body, own, sought)) for pk, body in found]
        changed = [(pk, now) for (pk, now), (_pk, body) in zip(left, found, strict=True) if now != body]
        if rewritten := [(pk, now) for pk, now in changed if now is not None]:
            cursor.execute(REWRITE, [*map(list, zip(*rewritten, strict=True)), start, end])
        if deleted := [pk for pk, now in changed if now is None]:
            cursor.execute(DELETE, [deleted, start, end])
    return len(changed), found[-1][0] if len(found) == BODIES_AT_A_TIME else None


def without(body: bytes, own: Own, sought: Sought) -> bytes | None:
    """A webhook's body without the company's items that name the person; None when nothing useful is left of it.

    One that nobody can read goes whole: nobody can say what concerns whom.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None if sought.is_in(body.decode(errors="replace")) else body
    is_changed = False
    for change in own.changes(document):
        value = _pruned(change.get("value"), sought)
        # What names them outside of every list is about them alone.
        value = {} if sought.is_in(value) else value
        is_changed = is_changed or value != change.get("value")
        change["value"] = value
    if not is_changed:
        return body
    return orjson.dumps(document) if _has_items(document) else None


def _pruned(node: Any, sought: Sought) -> Any:
    """The innermost items of lists that name the person are left out."""
    if isinstance(node, dict):
        return {key: _pruned(value, sought) for key, value in node.items()}
    if not isinstance(node, list):
        return node
    pruned = [_pruned(item, sought) for item in node]
    return [item for item in pruned if not sought.is_in(item)]


def _has_items(document: Any) -> bool:
    """Whether any change is left with something in it: a status, a message, a template's news."""
    changes = [change for entry in _dicts(document, "entry") for change in _dicts(entry, "changes")]
    return any(_tells(change.get("value")) for change in changes)


def _tells(value: Any) -> bool:
    lists = [items for items in value.values() if isinstance(items, list)] if isinstance(value, dict) else []
    return any(lists) if lists else bool(value)


def _dicts(node: Any, name: str) -> list[dict[str, Any]]:
    items = node.get(name) if isinstance(node, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def forget(contact: Contact) -> None:
    """Delete the person's threads with all they wrote."""
    threads = Conversation.objects.filter(tenant=contact.tenant_id, contact=contact.pk)
    ids = list(threads.values_list("pk", flat=True))
    InboundMessage.objects.filter(tenant=contact.tenant_id, conversation__in=ids).delete()
    threads.delete()


def last_use(tenant: Tenant, contact_ids: Collection[int]) -> dict[int, datetime]:
    """When each of these contacts last wrote."""
    threads = Conversation.objects.filter(tenant=tenant, contact__in=contact_ids, last_inbound_at__isnull=False)
    return dict(threads.order_by().values_list("contact").annotate(last=Max("last_inbound_at")))


def reached(tenant: Tenant, contact_ids: Collection[int]) -> set[int]:
    """Those of these contacts who have written to the company."""
    threads = Conversation.objects.filter(tenant=tenant, contact__in=contact_ids, last_inbound_at__isnull=False)
    return set(threads.values_list("contact", flat=True))


def let_go(tenant: Tenant, *, before: datetime, most: int) -> dict[str, int]:
    """Delete up to `most` received messages from before a time; returns how many, by kind."""
    with connection.cursor() as cursor:
        cursor.execute(LET_GO, {"tenant": tenant.pk, "before": before, "most": most})
        return {"inbound": cursor.rowcount}


def would_go(tenant: Tenant, *, before: datetime, most: int) -> dict[str, int]:
    """How many received messages `let_go` would delete, counted up to one more than `most`."""
    old = InboundMessage.objects.filter(tenant=tenant, sent_at__lt=before)
    return {"inbound": len(old.values_list("pk", flat=True)[: most + 1])}
