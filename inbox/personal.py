"""What the inbox holds of a person: told on request, forgotten in threads and in the log of raw webhooks."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import connection
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.models import Contact
from contacts.personal import Named, Section
from inbox.models import Conversation, InboundMessage
from messaging.models import Message
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope
from whatsapp.models import Number

ROWS_AT_A_TIME = 500
BODIES_AT_A_TIME = 200
# Raw webhooks are kept for 30 days and lie in a partition a day.
DAYS = 31
NAMING = """
SELECT id, received_at, body FROM inbox_webhookevent
WHERE received_at >= %s AND received_at < %s
  AND (position('phone_number_id'::bytea IN body) = 0
    OR EXISTS (SELECT FROM unnest(%s::bytea[]) AS own WHERE position(own IN body) > 0))
  AND EXISTS (SELECT FROM unnest(%s::bytea[]) AS word WHERE position(word IN body) > 0)
ORDER BY id LIMIT %s FOR UPDATE
"""
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
    dropped with its day: nobody can recognise it any more.
    """
    _clear(contact.tenant, _words(contact))


def clear_named(tenant: Tenant, named: Named) -> dict[str, int]:
    """The same for somebody who is no contact; returns how many webhooks named them."""
    return {"webhooks": _clear(tenant, [text.encode() for text in named.texts])}


def _clear(tenant: Tenant, words: Sequence[bytes]) -> int:
    with tenant_scope(tenant):
        # What the person wrote to other companies is theirs, and may not even have been read yet.
        numbers = Number.objects.filter(tenant=tenant)
        own = [known.encode() for known in numbers.values_list("phone_number_id", flat=True)]
    today, cleared = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0), 0
    for day in range(DAYS + 1) if words else ():
        start, some = today - timedelta(days=day), BODIES_AT_A_TIME
        while some == BODIES_AT_A_TIME:
            some = _clear_some(own, words, start, start + timedelta(days=1))
            cleared += some
    return cleared


def _words(contact: Contact) -> list[bytes]:
    """What names the person in a webhook: Meta writes phones without plus, and wamids contain them, encoded."""
    since = timezone.now() - timedelta(days=DAYS)
    with tenant_scope(contact.tenant_id):
        sent = Message.objects.filter(tenant=contact.tenant_id, contact=contact.pk, created_at__gte=since)
        written = InboundMessage.objects.filter(
            tenant=contact.tenant_id, conversation__contact=contact.pk, received_at__gte=since
        )
        wamids = {*sent.values_list("wamid", flat=True), *written.values_list("wamid", flat=True)}
    named = {(contact.phone or "").lstrip("+"), contact.bsuid, *wamids}
    return sorted(word.encode() for word in named if word)


def _clear_some(own: Sequence[bytes], words: Sequence[bytes], start: datetime, end: datetime) -> int:
    """Clear some bodies of one day that came for these numbers, or do not say for which; returns how many."""
    with across_tenants("a raw webhook belongs to no tenant"), connection.cursor() as cursor:
        cursor.execute(NAMING, [start, end, list(own), list(words), BODIES_AT_A_TIME])
        rewritten, deleted = [], []
        found = cursor.fetchall()
        for pk, _received_at, body in found:
            left = without(bytes(body), words)
            if left is None:
                deleted.append(pk)
            else:
                rewritten.append((pk, left))
        if rewritten:
            cursor.execute(REWRITE, [*map(list, zip(*rewritten, strict=True)), start, end])
        if deleted:
            cursor.execute(DELETE, [deleted, start, end])
        return len(found)


def without(body: bytes, words: Sequence[bytes]) -> bytes | None:
    """A webhook's body without the items that hold one of the words; None when nothing useful is left of it."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    pruned = _pruned(document, [word.decode() for word in words])
    left = orjson.dumps(pruned)
    # Meta escapes what is not ASCII; what names people is ASCII, so it is spelled as it was.
    return None if any(word in left for word in words) or not _has_items(pruned) else left


def _pruned(node: Any, texts: Sequence[str]) -> Any:
    """The innermost items of lists that hold one of the texts are left out."""
    if isinstance(node, dict):
        return {key: _pruned(value, texts) for key, value in node.items()}
    if not isinstance(node, list):
        return node
    pruned = [_pruned(item, texts) for item in node]
    return [item for item in pruned if not _holds(item, texts)]


def _holds(node: Any, texts: Sequence[str]) -> bool:
    written = orjson.dumps(node).decode()
    return any(text in written for text in texts)


def _has_items(document: Any) -> bool:
    """Whether any change is left with something in it: a status, a message, a template's news."""
    entries = document.get("entry") if isinstance(document, dict) else None
    changes = [change for entry in entries or [] for change in entry.get("changes") or []]
    return any(_tells(change.get("value")) for change in changes)


def _tells(value: Any) -> bool:
    lists = [items for items in value.values() if isinstance(items, list)] if isinstance(value, dict) else []
    return any(lists) if lists else bool(value)


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
