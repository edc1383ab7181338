"""Counts and previews segments of a million people with ten million events, beside SQL by hand and a loop in Python."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from django.db import connection
from django.utils.timezone import now

from benchmarks import Measured, rounds, world
from benchmarks.fleet import Fleet
from benchmarks.world import World
from consent.models import ConsentState
from segments import queries
from tenants.scope import tenant_scope

PEOPLE, EVENTS_EACH = 1_000_000, 10
# The loop in Python is measured on fewer people.
NAIVELY = 2_000
ROUNDS = 7
SLOWEST_MS = 1000
# So long previews are asked for through the web server as well, whose memory is watched meanwhile.
SERVED_S = 90
DAYS, VIEWS = 90, 3
REGION: dict[str, Any] = {"field": "postcode", "op": "starts_with", "value": "2"}
GRANTED: dict[str, Any] = {"consent": {"channel": "whatsapp", "purpose": "marketing"}, "op": "granted"}
VIEWED: dict[str, Any] = {
    "event": "product_viewed",
    "measure": "count",
    "op": "gte",
    "value": VIEWS,
    "within_days": DAYS,
}
RULES = {
    "who said yes in a region": [REGION, GRANTED],
    "who viewed three products in 90 days": [REGION, GRANTED, VIEWED],
}
BY_HAND = """
SELECT count(*) FROM contacts_contact c
JOIN consent_consentstate s ON s.tenant_id = c.tenant_id AND s.subject_id = c.subject_id AND s.channel = 'whatsapp'
    AND s.purpose = 'marketing' AND s.state = 'granted'
{viewed} WHERE c.tenant_id = %(tenant)s AND starts_with(c.postcode, '2')
"""
VIEWED_BY_HAND = """
JOIN (SELECT contact_id FROM contacts_event WHERE tenant_id = %(tenant)s AND name = 'product_viewed'
      AND occurred_at >= %(since)s GROUP BY contact_id HAVING count(*) >= %(views)s) v ON v.contact_id = c.id
"""


def measure(people: int = PEOPLE) -> list[Measured]:
    """At least 0.8 of SQL written by hand; counts and previews within a second."""
    found = world.large(people)
    world.live(found, events_each=EVENTS_EACH)
    rows = [row for name, rules in RULES.items() for row in _measured(found, name, rules)]
    _serve(found)
    return rows


def _serve(found: World) -> None:
    """Ask the real web server for the previews again and again."""
    key = {"Authorization": f"Bearer {found.made.api_key}"}
    ends_at = time.monotonic() + SERVED_S
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        Fleet(Path(folder), ("web",), API_REQUESTS_PER_MINUTE="1000000") as fleet,
        httpx.Client(base_url=fleet.url("web"), headers=key, timeout=60) as program,
    ):
        while time.monotonic() < ends_at:
            for rules in RULES.values():
                body = {"rule": {"op": "and", "rules": rules}}
                program.post("/api/v1/segments/preview/", json=body).raise_for_status()


def _measured(found: World, name: str, parts: list[dict[str, Any]]) -> Iterator[Measured]:
    rule = {"op": "and", "rules": parts}
    people = _people(found)
    ways: dict[str, rounds.Way] = {
        "ours": partial(_ours, found, rule, people),
        "naive": partial(_naive, found, parts, min(people, NAIVELY)),
        "limit": partial(_by_hand, found, parts, people),
    }
    yield rounds.compare(f"segments: {name}", "people/s", ways, bar_limit=0.8, rounds=ROUNDS)
    with tenant_scope(found.tenant):
        yield _within(f"count {name}", lambda: queries.count(found.tenant, rule))
        yield _within(f"preview {name}", lambda: queries.preview(found.tenant, rule))


def _people(found: World) -> int:
    with tenant_scope(found.tenant):
        return int(found.tenant.contacts.count())


def _ours(found: World, rule: dict[str, Any], people: int) -> int:
    with tenant_scope(found.tenant):
        assert queries.count(found.tenant, rule) > 0
    return people


def _naive(found: World, parts: list[dict[str, Any]], count: int) -> int:
    """Everybody through the ORM, one condition after the other in Python."""
    tenant, since = found.tenant, now() - timedelta(days=DAYS)
    with tenant_scope(tenant):
        for one in tenant.contacts.order_by("id")[:count].iterator(chunk_size=2000):
            if not one.postcode.startswith("2"):
                continue
            state = ConsentState.objects.filter(
                tenant=tenant, subject_id=one.subject_id, channel="whatsapp", purpose="marketing"
            ).first()
            if state and state.state == "granted" and VIEWED in parts:
                one.events.filter(tenant=tenant, name="product_viewed", occurred_at__gte=since).count()
    return count


def _by_hand(found: World, parts: list[dict[str, Any]], people: int) -> int:
    viewed = VIEWED_BY_HAND if VIEWED in parts else ""
    # As ours is counted: of what people are without loops, of what they did as the planner likes.
    joined = nullcontext() if viewed else queries.as_a_set(queries.WORK_MEM)
    params = {"tenant": found.tenant.pk, "since": now() - timedelta(days=DAYS), "views": VIEWS}
    with tenant_scope(found.tenant), queries.at_most(60), joined, connection.cursor() as cursor:
        cursor.execute(BY_HAND.format(viewed=viewed), params)
    return people


def _within(name: str, ask: Callable[[], Any]) -> Measured:
    times = []
    for _ in range(ROUNDS * 2):
        started = time.perf_counter()
        ask()
        times.append((time.perf_counter() - started) * 1000)
    p95, median = statistics.quantiles(times, n=20)[-1], statistics.median(times)
    label = f"segments: {name} (median {median:,.0f}, at most {SLOWEST_MS})"
    return Measured(label, "ms p95", round(p95, 1), met=p95 <= SLOWEST_MS)
