"""Reads that decide what there is to send."""

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F, QuerySet
from django.utils import timezone

from contacts.models import Contact
from messaging.models import Content, Message, Source
from tenants.scope import across_tenants
from whatsapp.models import Media, Number
from whatsapp.pausing import DAILY_LIMIT_PAUSE

PAYLOAD = "free_form__interactive__action__buttons__0__reply__id"
NEVER_SEEN = (
    Message.State.QUEUED,
    Message.State.FAILED,
    Message.State.SKIPPED,
    Message.State.CANCELLED,
    Message.State.EXPIRED,
)


def reply_name(dedupe: str) -> str:
    """What the source of an answer is called that is given once for each `dedupe`."""
    return "reply:" + hashlib.sha256(dedupe.encode()).hexdigest()


def replied(tenant_id: int, dedupes: Collection[str], *, within: timedelta | None = None) -> set[str]:
    """Which of these were answered already, or with `within` so lately."""
    names = {reply_name(dedupe): dedupe for dedupe in dedupes}
    found = Source.objects.filter(tenant=tenant_id, kind=Source.Kind.REPLY, name__in=names)
    if within is not None:
        found = found.filter(created_at__gt=timezone.now() - within)
    return {names[name] for name in found.values_list("name", flat=True)}


def first_waiting(tenant: str, source: str, *, such: str = "TRUE") -> str:
    """SQL for the id of the message `m` of a source that is claimed next, NULL where none waits.

    `tenant` and `source` are SQL for their ids, `such` a further condition. No EXISTS, for PostgreSQL drops its order,
    takes those that wait for spread evenly among all messages of their source, and looks through the sent ones first.
    """
    return f"""(SELECT m.id FROM messaging_message m
      WHERE m.tenant_id = {tenant} AND m.source_id = {source} AND m.queue = 0 AND {such}
      ORDER BY m.next_attempt_at, m.id LIMIT 1)"""


def first_under_way(tenant: str, source: str) -> str:
    """SQL for the id of the message `m` of a source that waits longest for its outcome, NULL where none does."""
    return f"""(SELECT m.id FROM messaging_message m
      WHERE m.tenant_id = {tenant} AND m.source_id = {source} AND m.queue = 1 ORDER BY m.claimed_at LIMIT 1)"""


FIRST_DUE = first_waiting("s.tenant_id", "s.id", such="m.next_attempt_at <= now()")
# A source `s` whose number `n` and account `a` may send. What ends at the limit of people in 24 hours are messages that
# we begin; answers in a conversation that the person has opened Meta does not count (whatsapp-cloud-api § 6.3).
MAY_SEND = f"""(a.paused_at IS NULL AND (n.paused_until IS NULL OR n.paused_until <= now()
    OR n.pause_code = {DAILY_LIMIT_PAUSE} AND s.purpose = 'service'))"""
# Nothing leaves before the company has concluded the contract of Art. 28 GDPR (CG-50).
NUMBERS_DUE = f"""
SELECT DISTINCT s.number_id FROM messaging_source s
JOIN whatsapp_number n ON n.tenant_id = s.tenant_id AND n.id = s.number_id
JOIN whatsapp_account a ON a.tenant_id = n.tenant_id AND a.id = n.account_id
JOIN tenants_tenant t ON t.id = s.tenant_id
WHERE s.state = 'open' AND (s.expires_at IS NULL OR s.expires_at > now()) AND t.is_active
  AND {MAY_SEND}
  AND EXISTS (SELECT FROM consent_agreement g WHERE g.tenant_id = s.tenant_id)
  AND {FIRST_DUE} IS NOT NULL
"""


@contextmanager
def in_order_of_claims(cursor: Any) -> Iterator[None]:
    """Let no statement sort: the first waiting messages of a source come from the one index that has their order.

    For statements that want more than one of them, where PostgreSQL may think that reading and sorting all messages of
    the source costs less: then each claim reads what the ones before it have sent. In an open transaction, and only
    around selects: a trigger of an update may have to sort.
    """
    cursor.execute("SET LOCAL enable_sort = off")
    yield
    cursor.execute("SET LOCAL enable_sort TO DEFAULT")


def numbers_with_due_messages() -> list[Number]:
    """Numbers of all tenants that may send now and have something due, with `account` and `tenant` loaded."""
    with across_tenants("senders serve every tenant's numbers"):
        with connection.cursor() as cursor:
            cursor.execute(NUMBERS_DUE)
            ids = [row[0] for row in cursor.fetchall()]
        return list(Number.objects.select_related("account", "tenant").filter(pk__in=ids)) if ids else []


def contents(source: Source) -> list[Content]:
    """What a source says, its header's file under the id by which Meta knows it now: files are renewed."""
    found = list(Content.objects.select_related("template").filter(source=source))
    headers = [header for content in found if (header := content.variables.get("header") or {}).get("media")]
    if headers:
        # As uids, for their text may be spelled in several ways.
        uids = [UUID(str(header["media"])) for header in headers]
        media = Media.objects.filter(tenant=source.tenant_id, uid__in=uids).values_list("uid", "meta_id")
        known = dict(media)
        for header, uid in zip(headers, uids, strict=True):
            header["meta_id"] = known.get(uid)
    return found


class Question(NamedTuple):
    """What we wrote: the payload of its first button, "" without one, its Meta id, "" if unknown, and its key."""

    payload: str
    wamid: str
    message_id: int


def last_message(contact: Contact, number: Number) -> Question | None:
    """What one of our numbers has sent to a person last, as far as Meta has it, or may have it."""
    return _question(contact, _seen(contact, number))


def question_with(contact: Contact, number: Number, payload: str) -> Question | None:
    """The latest reply to a person whose first button has this payload."""
    return _question(contact, _seen(contact, number).filter(**{f"source__contents__{PAYLOAD}": payload}))


def _seen(contact: Contact, number: Number) -> QuerySet[Message]:
    """Nobody answers what they never saw."""
    messages = Message.objects.filter(tenant=contact.tenant_id, contact=contact.pk, source__number=number)
    return messages.exclude(state__in=NEVER_SEEN).order_by(F("claimed_at").desc(nulls_last=True), "-pk")


def _question(contact: Contact, messages: QuerySet[Message]) -> Question | None:
    last = messages.values_list("pk", "wamid", "source", "variant").first()
    if last is None:
        return None
    said = Content.objects.filter(tenant=contact.tenant_id, source=last[2], variant=last[3])
    return Question(said.values_list(PAYLOAD, flat=True).first() or "", last[1] or "", last[0])


def purposes(tenant_id: int, message_ids: Collection[int]) -> dict[int, str]:
    """What these messages were sent for, by their keys."""
    found = Message.objects.filter(tenant=tenant_id, pk__in=message_ids)
    return dict(found.values_list("pk", "source__purpose"))


def hold_sources(tenant_id: int, source_ids: Collection[int]) -> None:
    """Keep these sources from being closed until the caller's transaction ends.

    Whoever puts messages back into the queue holds their sources first and then looks whether they are closed: a
    cancellation either came before and is seen, or waits and finds the messages. None waits for ever.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM messaging_source WHERE tenant_id = %s AND id = ANY(%s) ORDER BY id FOR SHARE",
            [tenant_id, sorted(source_ids)],
        )


# The oldest of each source stands first in its index. By kind, because a campaign's age only tells how long it takes at
# its number's rate, while a reply is old after seconds.
OLDEST_DUE = f"""
SELECT s.kind, extract(epoch FROM now() - min(m.next_attempt_at))::float FROM messaging_source s
JOIN whatsapp_number n ON n.tenant_id = s.tenant_id AND n.id = s.number_id
JOIN whatsapp_account a ON a.tenant_id = n.tenant_id AND a.id = n.account_id
JOIN tenants_tenant t ON t.id = s.tenant_id
CROSS JOIN LATERAL (
  SELECT w.next_attempt_at FROM messaging_message w
  WHERE w.tenant_id = s.tenant_id AND w.source_id = s.id AND w.queue = 0 AND w.next_attempt_at <= now()
  ORDER BY w.next_attempt_at, w.id LIMIT 1) m
WHERE s.state = 'open' AND (s.expires_at IS NULL OR s.expires_at > now()) AND t.is_active
  AND {MAY_SEND}
  AND EXISTS (SELECT FROM consent_agreement g WHERE g.tenant_id = s.tenant_id)
GROUP BY s.kind
"""
UNCERTAIN = "SELECT count(*) FROM (SELECT FROM messaging_message WHERE queue = 1 AND state = 7 LIMIT %s) m"
PAUSED = """
SELECT (SELECT count(*) FROM whatsapp_account WHERE paused_at IS NOT NULL),
       (SELECT count(*) FROM whatsapp_number WHERE paused_until > now())
"""


@dataclass(frozen=True)
class Backlog:
    """What the outbox of all tenants together waits for; `oldest_due_s` by kind of source, 0 where nothing is due."""

    oldest_due_s: dict[str, float]
    uncertain: int
    paused_accounts: int
    paused_numbers: int


def oldest_due() -> dict[str, float]:
    """By kind of source, how many seconds ago the oldest message fell due that nothing holds up; 0 without any."""
    with across_tenants("an operator watches all tenants together"), connection.cursor() as cursor:
        cursor.execute(OLDEST_DUE)
        return dict.fromkeys(Source.Kind.values, 0.0) | dict(cursor.fetchall())


def backlog(*, most: int) -> Backlog:
    """What waits, for /metrics; unsettled messages are counted up to `most`, so that a bad day stays cheap."""
    with across_tenants("an operator watches all tenants together"), connection.cursor() as cursor:
        cursor.execute(UNCERTAIN, [most])
        [(uncertain,)] = cursor.fetchall()
        cursor.execute(PAUSED)
        [(accounts, numbers)] = cursor.fetchall()
        return Backlog(oldest_due(), uncertain, accounts, numbers)
