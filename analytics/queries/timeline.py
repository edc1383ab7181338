"""What happened with one contact, newest first: messages, clicks, replies, orders and other events, yes and no."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from consent import queries as consent
from contacts.models import Contact
from messaging.models import Message

KINDS = ("message", "click", "reply", "event", "consent")

# One contact's rows come from indexes of each table; a person has hundreds of them, not millions.
TIMELINE = """
SELECT at, kind, id, data FROM (
  SELECT coalesce(m.accepted_at, m.claimed_at, m.created_at) AS at, 'message' AS kind, m.id,
    jsonb_build_object('name', s.name, 'state', CASE WHEN m.state = 6 AND NOT %(is_measured)s THEN 5 ELSE m.state END,
      'reason', m.reason, 'error_code', m.error_code, 'delivered_at', m.delivered_at,
      'read_at', CASE WHEN %(is_measured)s THEN m.read_at END, 'failed_at', m.failed_at) AS data
  FROM messaging_message m JOIN messaging_source s ON s.tenant_id = m.tenant_id AND s.id = m.source_id
  WHERE m.tenant_id = %(tenant)s AND m.contact_id = %(contact)s
  UNION ALL
  SELECT k.at, 'click', k.id, jsonb_build_object('name', s.name, 'label', l.label, 'url', l.url)
  FROM messaging_click k JOIN messaging_link l ON l.tenant_id = k.tenant_id AND l.id = k.link_id
  JOIN messaging_source s ON s.tenant_id = k.tenant_id AND s.id = k.source_id
  WHERE k.tenant_id = %(tenant)s AND k.contact_id = %(contact)s AND k.is_counted AND %(is_measured)s
  UNION ALL
  SELECT i.sent_at, 'reply', i.id, jsonb_build_object('type', i.type, 'is_opt_out', i.is_opt_out)
  FROM inbox_conversation c JOIN inbox_inboundmessage i ON i.tenant_id = c.tenant_id AND i.conversation_id = c.id
  WHERE c.tenant_id = %(tenant)s AND c.contact_id = %(contact)s
  UNION ALL
  SELECT e.occurred_at, 'event', e.id, jsonb_build_object('name', e.name, 'event_id', e.event_id,
    'value', e.value::text, 'currency', e.currency)
  FROM contacts_event e WHERE e.tenant_id = %(tenant)s AND e.contact_id = %(contact)s
  UNION ALL
  SELECT y.occurred_at, 'consent', y.seq, jsonb_build_object('seq', y.seq, 'channel', y.channel,
    'purpose', y.purpose, 'state', y.state, 'source', y.source)
  FROM consent_consentevent y WHERE y.tenant_id = %(tenant)s AND y.subject_id = %(subject)s
) entry
WHERE (%(kinds)s IS NULL OR kind = ANY(%(kinds)s))
  AND (%(at)s IS NULL OR (at, kind, id) < (%(at)s::timestamptz, %(kind)s::text, %(id)s::bigint))
ORDER BY at DESC, kind DESC, id DESC LIMIT %(most)s
"""


@dataclass(frozen=True)
class Entry:
    """Something that happened: when (UTC), what kind of thing, and what is to be said about it."""

    at: datetime
    kind: str
    id: int
    data: Mapping[str, Any]

    @property
    def position(self) -> tuple[datetime, str, int]:
        """Where the next page starts after this entry."""
        return self.at, self.kind, self.id


def timeline(
    contact: Contact,
    *,
    most: int,
    kinds: list[str] | None = None,
    after: tuple[datetime, str, int] | None = None,
) -> list[Entry]:
    """Up to `most` entries, newest first; `kinds` from KINDS, all without it; `after` is the last one's position.

    Reads and clicks are told of people who agree to being measured only (CG-36).
    """
    at, kind, row_id = after or (None, None, None)
    params: dict[str, Any] = {
        "tenant": contact.tenant_id,
        "contact": contact.pk,
        "subject": contact.subject_id,
        "is_measured": consent.measured(contact.tenant_id).filter(subject_id=contact.subject_id).exists(),
        "kinds": kinds or None,
        "at": at,
        "kind": kind,
        "id": row_id,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(TIMELINE, params)
        return [Entry(at, kind, row_id, _told(kind, data)) for at, kind, row_id, data in cursor.fetchall()]


def _told(kind: str, data: Any) -> Mapping[str, Any]:
    values: dict[str, Any] = orjson.loads(data) if isinstance(data, str) else data
    if kind == "message":
        values["state"] = Message.State(values["state"]).name.lower()
    return values
