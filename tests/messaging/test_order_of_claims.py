"""What has been sent costs nothing: whoever looks for waiting messages finds the first of them at once."""

from collections.abc import Callable

import pytest
from django.db import connection

from campaigns import finishing
from campaigns.models import Campaign
from messaging import claiming, emptying, queries, sweeping
from messaging.budget import Budget
from messaging.models import Source
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope
from tests import factories
from tests.campaigns.cast import draft
from tests.plans import rows_looked_at
from whatsapp.models import Number

SENT, WAITING = 4_000, 1_000
# Far below what was sent.
FEW = 50
# Of another company, so that statistics take tenant and source for two things that have nothing to do with each other.
OTHERS = 10
# Written in the order of claims, so what is sent stands first; statistics know all of it, as after a freeze.
MESSAGES = """
INSERT INTO messaging_message (tenant_id, source_id, contact_id, queue, state, next_attempt_at)
SELECT %s, %s, n, CASE WHEN n <= %s THEN 2 ELSE 0 END, CASE WHEN n <= %s THEN 6 ELSE 0 END, now() - interval '1 minute'
FROM generate_series(1, %s) n
"""


@pytest.fixture
def half_sent(bakery: Tenant) -> Source:
    source = factories.source(factories.number(bakery), [])
    fill(source)
    other = factories.company(slug="andere", name="Andere", owner_email="andere@example.com").tenant
    fill(factories.source(factories.number(other), []), times=OTHERS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messaging_message, messaging_source")
    return source


def fill(source: Source, *, times: int = 1) -> None:
    with tenant_scope(source.tenant_id), connection.cursor() as cursor:
        cursor.execute(MESSAGES, [source.tenant_id, source.pk, times * SENT, times * SENT, times * (SENT + WAITING)])


def number_of(source: Source) -> Number:
    with tenant_scope(source.tenant_id):
        return Number.objects.select_related("account", "tenant").get(pk=source.number_id)


def claim(source: Source) -> None:
    number = number_of(source)
    claiming.claim(number=number, source_id=source.pk, most=500, budget=Budget(number))


def empty(source: Source) -> None:
    emptying.empty(source.tenant_id, source.pk)


def finish(source: Source) -> None:
    campaign = draft(source.tenant, [])
    with tenant_scope(source.tenant_id):
        Campaign.objects.filter(pk=campaign.pk).update(
            state="running", source_id=source.pk, frozen_at=source.created_at
        )
    finishing.finish_done()


def close_idle(source: Source) -> None:
    with across_tenants("a test"):
        Source.objects.update(kind="reply", created_at="2026-01-01T00:00Z")
    sweeping.sweep()


def count_uncertain(_source: Source) -> None:
    with across_tenants("a test"), connection.cursor() as cursor:
        cursor.execute(queries.UNCERTAIN, [SENT])


LOOKS: dict[str, tuple[str, Callable[[Source], object], int]] = {
    "which numbers have something to send": (queries.NUMBERS_DUE, lambda _: queries.numbers_with_due_messages(), FEW),
    "which sources of a number have something to send": (
        claiming.DUE_SOURCES,
        lambda source: claiming.due_sources(number_of(source)),
        FEW,
    ),
    "what is claimed next": (claiming.PICK, claim, 4 * 500),
    "what of a closed source is cancelled next": (emptying.WAITING, empty, 4 * WAITING),
    "which campaigns are over": (finishing.OVER, finish, FEW),
    "which tests and replies are over": (sweeping.IDLE, close_idle, FEW),
    "how late the oldest message is": (queries.OLDEST_DUE, lambda _: queries.oldest_due(), FEW),
    "how many are uncertain": (queries.UNCERTAIN, count_uncertain, FEW),
}


@pytest.mark.parametrize("look", LOOKS)
def test_who_asks_reads_nothing_that_was_sent(half_sent: Source, look: str) -> None:
    statement, ask, most = LOOKS[look]

    with rows_looked_at(by=statement) as looked_at:
        ask(half_sent)

    assert 0 < looked_at[0] <= most
