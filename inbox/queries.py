"""Reads that tell which account a webhook comes from and whom its events concern."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Max, QuerySet

from consent.models import EndedContract
from inbox.models import InboundMessage
from tenants.models import Tenant
from tenants.scope import across_tenants
from whatsapp.models import Account, Number

# Pictures, voice notes and reactions never opt out (consent-gdpr § 7); an edited message speaks like a written one.
SPEAKING = {"text", "button", "interactive", "edit"}


def accounts_with_own_app() -> dict[uuid.UUID, Account]:
    """Accounts whose webhooks are signed with a Meta app of the tenant's own, by uid."""
    with across_tenants("the path of a webhook names the account, the account its tenant"):
        own = Account.objects.filter(tenant__closed_at=None).exclude(app_secret_encrypted="")
        return {account.uid: account for account in own}


def numbers_of(phone_number_ids: Iterable[str]) -> dict[str, Number]:
    """The numbers with these ids of Meta's, with `account`; sees every tenant, so call it inside `across_tenants`.

    Numbers of companies whose contract is over are not found, here and in `accounts_of`.
    """
    known = Number.objects.select_related("tenant", "account").filter(tenant__closed_at=None)
    found = known.filter(phone_number_id__in=list(phone_number_ids))
    return {number.phone_number_id: number for number in found}


def accounts_of(waba_ids: Iterable[str]) -> dict[str, list[Account]]:
    """The accounts with these WABA ids; a WABA may be connected to several tenants. Inside `across_tenants` only."""
    found: dict[str, list[Account]] = {}
    for account in (
        Account.objects.select_related("tenant")
        .filter(waba_id__in=list(waba_ids), tenant__closed_at=None)
        .order_by("tenant_id", "id")
    ):
        found.setdefault(account.waba_id, []).append(account)
    return found


def closed(names: Collection[str]) -> set[str]:
    """Which of these ids of WABAs and numbers belong to a company that is closed, and may come back; like `ended`."""
    of_closed = {"tenant__closed_at__isnull": False}
    numbers = Number.objects.filter(phone_number_id__in=names, **of_closed).values_list("phone_number_id", flat=True)
    accounts = Account.objects.filter(waba_id__in=names, **of_closed).values_list("waba_id", flat=True)
    return {*numbers, *accounts} if names else set()


def ended(names: Collection[str]) -> set[str]:
    """Which of these ids belong to a company whose contract is over and whose data is deleted; in `across_tenants`."""
    gone = EndedContract.objects.filter(names__overlap=list(names)).values_list("names", flat=True) if names else []
    return {name for theirs in gone for name in theirs} & set(names)


class Answer(NamedTuple):
    """The message of ours that somebody answered: the one they quoted or tapped, else the latest of 72 hours."""

    id: int
    is_quoted: bool


# A claimed message may be on the person's phone before its acceptance is stored. Replies of ours are no campaign.
ANSWERED = """
SELECT w.n, q.id, l.id
FROM unnest(%(contacts)s::bigint[], %(times)s::timestamptz[], %(quoted)s::text[])
     WITH ORDINALITY AS w (contact_id, at, wamid, n)
LEFT JOIN LATERAL (
  SELECT m.id FROM messaging_message m
  WHERE m.tenant_id = %(tenant)s AND m.wamid = w.wamid AND m.contact_id = w.contact_id LIMIT 1) q ON w.wamid <> ''
LEFT JOIN LATERAL (
  SELECT m.id FROM messaging_message m
  JOIN messaging_source s ON s.tenant_id = m.tenant_id AND s.id = m.source_id AND s.kind <> 'reply'
  WHERE m.tenant_id = %(tenant)s AND m.contact_id = w.contact_id
    AND coalesce(m.accepted_at, m.claimed_at) BETWEEN w.at - interval '72 hours' AND w.at + interval '1 minute'
  ORDER BY coalesce(m.accepted_at, m.claimed_at) DESC, m.id DESC LIMIT 1) l ON q.id IS NULL
ORDER BY w.n
"""


def answered_messages(tenant_id: int, written: Sequence[tuple[int, datetime, str]]) -> list[Answer | None]:
    """For each (contact id, time, quoted wamid or "") the message it answers, in the order given."""
    contacts, times, quoted = (list(column) for column in zip(*written, strict=True)) if written else ([], [], [])
    with connection.cursor() as cursor:
        cursor.execute(ANSWERED, {"tenant": tenant_id, "contacts": contacts, "times": times, "quoted": quoted})
        found = cursor.fetchall()
    return [
        Answer(quoted_id or latest_id, bool(quoted_id)) if quoted_id or latest_id else None
        for _, quoted_id, latest_id in found
    ]


def people_with_other_opt_outs(
    tenant_id: int, contact_ids: Collection[int], inbound: Sequence[InboundMessage], *, since: datetime
) -> set[int]:
    """Ids of those of these contacts who opted out since then by another message, to whichever number."""
    found = InboundMessage.objects.filter(
        tenant_id=tenant_id,
        conversation__contact_id__in=contact_ids,
        is_opt_out=True,
        received_at__gte=since,
    ).exclude(pk__in=[message.pk for message in inbound])
    return set(found.values_list("conversation__contact_id", flat=True))


def written_before(message: InboundMessage) -> datetime | None:
    """When the person wrote the message before this one in the same chat; reactions and the like do not count."""
    earlier = InboundMessage.objects.filter(
        tenant=message.tenant_id,
        conversation=message.conversation_id,
        type__in=SPEAKING,
        sent_at__lte=message.sent_at,
        pk__lt=message.pk,
    )
    return earlier.aggregate(last=Max("sent_at"))["last"]


def to_look_at(tenant: Tenant) -> QuerySet[InboundMessage]:
    """Messages with an unclear wish that nobody is done with; who waits longest comes first."""
    waiting = InboundMessage.objects.filter(tenant=tenant, needs_a_look=True, looked_at=None)
    return waiting.select_related("conversation__contact", "conversation__number").order_by("sent_at", "pk")


# Both orders are those of partial indexes, so neither grows with the table.
OLDEST_WAITING = """
SELECT extract(epoch FROM now() - received_at)::float FROM inbox_webhookevent
WHERE state = 0 AND priority = %s ORDER BY id LIMIT 1
"""
WAITING = """
SELECT (SELECT count(*) FROM (SELECT FROM inbox_webhookevent WHERE state = 0 LIMIT %(most)s) w),
       (SELECT count(*) FROM (SELECT FROM inbox_webhookevent WHERE state = 2 LIMIT %(most)s) a)
"""


class Backlog(NamedTuple):
    """Stored webhooks that wait to be applied, and those set aside because applying them failed."""

    waiting: int
    set_aside: int


def oldest_waiting() -> dict[str, float]:
    """How many seconds the oldest stored webhook has waited: with what people wrote, and with statuses only."""
    with across_tenants("a webhook belongs to no tenant until it is read"), connection.cursor() as cursor:
        found = {}
        for name, priority in (("people", 0), ("statuses", 1)):
            cursor.execute(OLDEST_WAITING, [priority])
            row = cursor.fetchone()
            found[name] = row[0] if row else 0.0
        return found


def longest_waiting() -> float:
    """How many seconds the oldest stored webhook has waited, 0 without any; one that was set aside waits no more."""
    return max(oldest_waiting().values())


def backlog(*, most: int) -> Backlog:
    """How much waits, each counted up to `most`."""
    with across_tenants("a webhook belongs to no tenant until it is read"), connection.cursor() as cursor:
        cursor.execute(WAITING, {"most": most})
        return Backlog(*cursor.fetchone())
