"""Stops what Meta's errors speak about beyond their own message: source, number, account, country, person.

Refusals of a send and failures told by webhook after a 200 follow the same table (whatsapp-cloud-api § 7.7). Whatever
stops here waits for somebody who mends it and resumes; the failed messages themselves stay as they are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Q

from contacts import actions as contacts
from contacts.models import Contact
from messaging.models import Message, Source
from whatsapp.errors import ErrorClass, Rule, Scope, is_known
from whatsapp.markets import country_of
from whatsapp.models import Account, Number
from whatsapp.pausing import DAILY_LIMIT_PAUSE, pause_account


@dataclass(frozen=True)
class Failure:
    """One attempt that failed: refused at once or, `is_late`, by webhook after Meta had accepted it.

    `claimed_at` is when the attempt began and `at` when it failed, both UTC.
    """

    message_id: int
    source_id: int
    rule: Rule
    claimed_at: datetime
    at: datetime
    is_late: bool = False


@dataclass(frozen=True)
class Threshold:
    """How many failures with one code, and what share of how many messages, are more than single misfortunes."""

    failures: int
    messages: int
    share: float


# By webhook this code is one message's own, or Meta dropping all the rest of the portfolio.
PACING = 135000
# Says nothing certain about one message, and enough about a person after some.
UNDELIVERABLE = 131026
PACED = Threshold(failures=10, messages=10, share=0.05)
BURNING = Threshold(failures=10, messages=50, share=0.20)
# Failures of an account that are older, of a campaign that is over, say nothing about today.
STILL_NEWS = timedelta(hours=1)

PAUSE = """
UPDATE messaging_source s SET state = 'paused', pause_code = v.code
FROM unnest(%s::bigint[], %s::int[], %s::timestamptz[]) AS v(id, code, claimed_at)
WHERE s.tenant_id = %s AND s.id = v.id AND s.state = 'open' AND v.claimed_at >= coalesce(s.resumed_at, '-infinity')
"""

# The last 500 messages that Meta has answered, as far as the failed one: a source's messages are sent in the order of
# their ids, and OFFSET 0 has the primary key find the neighbours, not another index all of the source. What was under
# way before somebody resumed does not count.
RECENT = """
SELECT v.source_id, v.code, w.failures, w.messages
FROM unnest(%s::bigint[], %s::int[], %s::bigint[]) AS v(source_id, code, last_id)
JOIN messaging_source s ON s.tenant_id = %s AND s.id = v.source_id AND s.state = 'open'
CROSS JOIN LATERAL (
  SELECT count(*) AS messages, count(*) FILTER (WHERE r.state = 8 AND r.error_code = v.code) AS failures
  FROM (SELECT m.state, m.error_code
        FROM (SELECT * FROM messaging_message n WHERE n.id > v.last_id - 20000 AND n.id <= v.last_id
              ORDER BY n.id DESC OFFSET 0) m
        WHERE m.tenant_id = s.tenant_id AND m.source_id = s.id AND (m.accepted_at IS NOT NULL OR m.state = 8)
          AND coalesce(m.claimed_at, m.created_at) >= coalesce(s.resumed_at, '-infinity')
        LIMIT 500) r) w
"""

CLOSE_COUNTRY = """
UPDATE messaging_source SET refused_countries = refused_countries || %s::varchar
WHERE tenant_id = %s AND id = %s AND NOT %s = ANY(refused_countries)
"""


def brake(tenant_id: int, failures: Sequence[Failure]) -> None:
    """Stop what these failures speak about, each source, number and account once.

    Belongs into the transaction that stores the failures, after the messages: two that stop the same may collide, and
    both callers repeat what PostgreSQL gave up.
    """
    _pause_sources(tenant_id, [f for f in failures if _stops_at_once(f)])
    _pause_burning(tenant_id, [f for f in failures if _counts_in_quantity(f)])
    _pause_senders(tenant_id, [f for f in failures if f.rule.error_class is ErrorClass.ACCOUNT])
    _close_countries(tenant_id, [f for f in failures if f.rule.scope is Scope.COUNTRY])
    _count_undelivered(tenant_id, [f for f in failures if f.rule.code == UNDELIVERABLE])


def _stops_at_once(failure: Failure) -> bool:
    """Whether every other message of the source would fail the same way."""
    return failure.rule.error_class is ErrorClass.TEMPLATE and not _counts_in_quantity(failure)


def _counts_in_quantity(failure: Failure) -> bool:
    """Whether only their number tells if such failures are one message's own or everybody's."""
    rule = failure.rule
    if rule.error_class is ErrorClass.TEMPLATE:
        return rule.code == PACING and failure.is_late
    return rule.error_class is ErrorClass.INPUT or rule.scope is Scope.TEMPLATE or not is_known(rule.code)


def _pause_sources(tenant_id: int, failures: Iterable[Failure]) -> None:
    latest = {f.source_id: f for f in sorted(failures, key=lambda f: f.claimed_at)}
    if latest:
        rows = [(f.source_id, f.rule.code, f.claimed_at) for _, f in sorted(latest.items())]
        with connection.cursor() as cursor:
            cursor.execute(PAUSE, [*(list(column) for column in zip(*rows, strict=True)), tenant_id])


def _pause_burning(tenant_id: int, failures: Sequence[Failure]) -> None:
    """Pause the sources of which a large part fails with the same code."""
    last = {(f.source_id, f.rule.code): f for f in sorted(failures, key=lambda f: f.message_id)}
    if not last:
        return
    rows = [(source_id, code, f.message_id) for (source_id, code), f in last.items()]
    with connection.cursor() as cursor:
        cursor.execute(RECENT, [*(list(column) for column in zip(*rows, strict=True)), tenant_id])
        counted = cursor.fetchall()
    burning = [last[source_id, code] for source_id, code, *counts in counted if _is_too_much(code, *counts)]
    _pause_sources(tenant_id, burning)


def _is_too_much(code: int, failures: int, messages: int) -> bool:
    limit = PACED if code == PACING else BURNING
    return failures >= limit.failures and messages >= limit.messages and failures > limit.share * messages


def _pause_senders(tenant_id: int, failures: Sequence[Failure]) -> None:
    """Pause numbers for a while, or accounts until somebody resumes them."""
    if not failures:
        return
    sources = Source.objects.filter(tenant=tenant_id, pk__in={f.source_id for f in failures})
    by_id = {source.pk: source for source in sources.select_related("number__account")}
    numbers: dict[int, Rule] = {}
    accounts: dict[int, tuple[Account, Rule]] = {}
    for failure in failures:
        source = by_id[failure.source_id]
        if source.state == Source.State.CLOSED and failure.at < datetime.now(UTC) - STILL_NEWS:
            continue
        if failure.rule.scope is Scope.NUMBER:
            numbers[source.number_id] = failure.rule
        else:
            accounts[source.number.account_id] = (source.number.account, failure.rule)
    for number_id, rule in sorted(numbers.items()):
        _pause_number(tenant_id, number_id, rule)
    for _id, (account, rule) in sorted(accounts.items()):
        pause_account(account, rule.code)


def _pause_number(tenant_id: int, number_id: int, rule: Rule) -> None:
    until = datetime.now(UTC) + timedelta(seconds=rule.retry_after_s or 3600)
    # Our own stop lets answers through, which Meta refuses now, too; a claim finds it again afterwards.
    is_less = Q(paused_until=None) | Q(paused_until__lt=until) | Q(pause_code=DAILY_LIMIT_PAUSE)
    Number.objects.filter(is_less, tenant=tenant_id, pk=number_id).update(paused_until=until, pause_code=rule.code)


def _close_countries(tenant_id: int, failures: Sequence[Failure]) -> None:
    """Send nobody else of the source in the recipients' countries a message; the claim skips them."""
    if not failures:
        return
    source_of = {f.message_id: f.source_id for f in failures}
    people = Contact.objects.filter(tenant=tenant_id, messages__in=source_of).values_list(
        "messages__pk", "phone", "bsuid"
    )
    closed = {(source_of[message_id], country_of(phone, bsuid)) for message_id, phone, bsuid in people}
    with connection.cursor() as cursor:
        for source_id, country in sorted(closed):
            if country:
                cursor.execute(CLOSE_COUNTRY, [country, tenant_id, source_id, country])


def _count_undelivered(tenant_id: int, failures: Sequence[Failure]) -> None:
    """Leave people out to whom campaign after campaign cannot be delivered; tests prove nothing."""
    if failures:
        messages = Message.objects.filter(tenant=tenant_id, pk__in=[f.message_id for f in failures])
        people = messages.exclude(source__kind=Source.Kind.TEST).values_list("contact_id", flat=True)
        contacts.count_undelivered(tenant_id=tenant_id, contact_ids=list(people))
