"""Freezes an audience of a million: segment, consent and an excluded list, into message rows with their waterfall."""

import tempfile
import time
from pathlib import Path

from django.db import connection

from benchmarks import Measured, rounds, world
from benchmarks.fleet import Fleet, wait_until
from benchmarks.rounds import Timed
from benchmarks.world import World
from campaigns import actions as campaigns
from campaigns import tasks
from campaigns.freezing import freeze
from campaigns.models import Campaign
from consent.models import ConsentState
from contacts.actions import lists
from contacts.models import Contact
from messaging.models import Message, Source
from segments import actions as segments
from tenants.scope import tenant_scope
from tests import factories

PEOPLE = 1_000_000
# The ORM's loop is measured on fewer people, for it takes minutes.
NAIVELY = 20_000
# So long a worker freezes, whose memory is watched meanwhile.
WATCHED_S = 90
RULE = {
    "op": "and",
    "rules": [
        {"field": "postcode", "op": "is_set"},
        {"op": "or", "rules": [{"attribute": "points", "op": "gte", "value": 100}, {"field": "email", "op": "is_set"}]},
    ],
}
# The same table and indexes without triggers, policies and joins: what PostgreSQL can write at all.
BARE = """
CREATE UNLOGGED TABLE bench_message (LIKE messaging_message INCLUDING ALL);
ALTER TABLE bench_message SET LOGGED
"""
LIMIT = """
INSERT INTO bench_message (tenant_id, source_id, contact_id, variant, state, queue, reason)
SELECT %s, %s, n, 0, 0, 0, '' FROM generate_series(1, %s) n
"""


def measure(people: int = PEOPLE) -> list[Measured]:
    """At least 0.35 of a join-free INSERT … SELECT and five times the ORM's loop; launched twice it inserts nothing."""
    found = world.large(people)
    with connection.cursor() as cursor:
        cursor.execute(BARE)
    limit = iter(range(1, 100))
    measured = rounds.compare(
        f"freeze of {people:,}",
        "people/s",
        {
            "ours": lambda: frozen(found),
            "naive": lambda: _naive(found, min(people, NAIVELY)),
            "limit": lambda: _limit(found, next(limit), people),
        },
        bar_naive=5,
        bar_limit=0.35,
    )
    return [measured, _again(found)]


def frozen(found: World) -> Timed:
    """Launch a campaign of everybody in the segment and freeze its audience."""
    campaign = _campaign(found)
    started = time.perf_counter()
    with tenant_scope(found.tenant):
        campaigns.launch(campaign=campaign, by=None)
    freeze(found.tenant.pk, campaign.pk)
    took = time.perf_counter() - started
    return Timed(_count_of(campaign), took)


def _campaign(found: World) -> Campaign:
    tenant = found.tenant
    with tenant_scope(tenant):
        segment = tenant.segments.first() or segments.create(tenant=tenant, name="Treue", rule=RULE, by=None)
        excluded = tenant.lists.filter(name="Ausgenommen").first()
        if excluded is None:
            excluded = lists.create_list(tenant=tenant, name="Ausgenommen", by=None)
            lists.add_members(contact_list=excluded, contacts=tenant.contacts.filter(last_name__lt="Muster2"), by=None)
        campaign = campaigns.create(tenant=tenant, name="Herbst", by=None)
        campaigns.set_audience(campaign=campaign, by=None, include_segments=[segment], exclude_lists=[excluded])
        campaigns.set_content(
            campaign=campaign, by=None, template=tenant.templates.get(), variables=factories.VARIABLES
        )
    return campaign


def _count_of(campaign: Campaign) -> int:
    with tenant_scope(campaign.tenant_id):
        campaign.refresh_from_db()
        return Message.objects.filter(tenant=campaign.tenant_id, source=campaign.source_id).count()


def _naive(found: World, count: int) -> int:
    """The contacts of the segment through the ORM, their states a thousand at a time, and bulk_create."""
    tenant = found.tenant
    with tenant_scope(tenant):
        source = factories.source(tenant.numbers.get(), [], made_template=tenant.templates.get())
        people = tenant.contacts.exclude(postcode="").order_by("id")[:count]
        for start in range(0, count, 1000):
            some = list(people[start : start + 1000])
            states = ConsentState.objects.filter(
                tenant=tenant, channel="whatsapp", purpose="marketing", subject_id__in=[one.subject_id for one in some]
            )
            allowed = {state.subject_id for state in states if state.state == "granted"}
            Message.objects.bulk_create(_message(source, one, is_allowed=one.subject_id in allowed) for one in some)
    return count


def _message(source: Source, contact: Contact, *, is_allowed: bool) -> Message:
    state, queue = Message.State, Message.Queue
    return Message(
        tenant_id=source.tenant_id,
        source=source,
        contact=contact,
        state=state.QUEUED if is_allowed else state.SKIPPED,
        queue=queue.WAITING if is_allowed else queue.OUT,
        reason="" if is_allowed else "no_consent",
    )


def _limit(found: World, source: int, count: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(LIMIT, [found.tenant.pk, -source, count])
    return count


def _again(found: World) -> Measured:
    """A default worker freezes once more, and then again and again what is frozen already, which inserts nothing."""
    campaign = _campaign(found)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        Fleet(Path(folder), ("default",)),
    ):
        with tenant_scope(found.tenant):
            campaigns.launch(campaign=campaign, by=None)
        wait_until(lambda: _is_frozen(campaign), "the freeze", 600)
        before, ends_at, times = _count(found), time.monotonic() + WATCHED_S, 0
        while time.monotonic() < ends_at:
            with tenant_scope(found.tenant):
                Campaign.objects.filter(pk=campaign.pk).update(frozen_to=0, frozen_at=None)
            tasks.freeze.delay(tenant_id=found.tenant.pk, campaign_id=campaign.pk)
            wait_until(lambda: _is_frozen(campaign), "freezing again", 600)
            times += 1
    added = _count(found) - before
    print(f"  freeze: {times} times more by a worker, {added} rows inserted", flush=True)
    return Measured("freeze: launched twice", "rows inserted", added, met=added == 0)


def _is_frozen(campaign: Campaign) -> bool:
    with tenant_scope(campaign.tenant_id):
        return Campaign.objects.filter(pk=campaign.pk, frozen_at__isnull=False).exists()


def _count(found: World) -> int:
    with tenant_scope(found.tenant):
        return Message.objects.filter(tenant=found.tenant).count()
