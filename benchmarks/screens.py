"""Times every screen, list and admin page of a tenant with a million contacts and ten million messages."""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse

from benchmarks import Measured, world
from benchmarks.world import World
from tenants.models import User
from tenants.scope import tenant_scope

PEOPLE, CAMPAIGNS, FULL = 1_000_000, 1_000, 10
ROUNDS = 20
BAR_MS = 300
MOST_QUERIES = 40
API_LISTS = ("contacts", "lists", "tags", "segments", "templates", "numbers", "campaigns", "events", "imports")


def measure(people: int = PEOPLE) -> list[Measured]:
    """Every route's p95 of twenty warm calls stays below 300 ms, with a bounded number of queries."""
    return walk(grown(people, CAMPAIGNS, FULL))


def grown(people: int, campaigns: int, full: int) -> World:
    """The world that the routes are asked about."""
    found = world.large(people)
    with tenant_scope(found.tenant):
        is_lively = found.tenant.events.exists()
    if not is_lively:
        world.live(found, events_each=1)
    world.remember(found, campaigns=campaigns, full=full)
    return found


def walk(found: World) -> list[Measured]:
    """Call every route and print it with its time and queries."""
    rows = [_timed(name, call) for name, call in [*_screens(found), *_api(found), *_admin()]]
    for row in rows:
        print(f"  {row.ours:8.1f} ms  {row.name}", flush=True)
    return rows


def _timed(name: str, call: Callable[[], Any]) -> Measured:
    statements: list[str] = []

    def noted(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(noted):
        answer = call()
    assert answer.status_code == 200, f"{name}: {answer.status_code}"
    times = [_seconds(call) * 1000 for _ in range(ROUNDS)]
    p95 = statistics.quantiles(times, n=20)[-1]
    label = f"screens: {name} ({len(statements)} queries, median {statistics.median(times):.0f} ms)"
    return Measured(label, "ms p95", round(p95, 1), met=p95 < BAR_MS and len(statements) <= MOST_QUERIES)


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    answer = call()
    getattr(answer, "content", None) or list(answer.streaming_content)
    return time.perf_counter() - start


def _screens(found: World) -> Iterator[tuple[str, Callable[[], Any]]]:
    client = _logged_in(User.objects.get(email=found.made.owner.email))
    slug = found.tenant.slug
    with tenant_scope(found.tenant):
        newest = found.tenant.campaigns.order_by("-id").first()
    for path in (
        "",
        "campaigns/",
        "campaigns/?state=finished",
        f"campaigns/{newest.uid}/",
        f"campaigns/{newest.uid}/recipients/",
        f"campaigns/{newest.uid}/recipients/?reached=read",
        "imports/",
    ):
        yield f"/…/{path}".replace(str(newest.uid), "…"), lambda path=path: client.get(f"/{slug}/{path}")


def _api(found: World) -> Iterator[tuple[str, Callable[[], Any]]]:
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {found.made.api_key}"})
    with tenant_scope(found.tenant):
        campaign = found.tenant.campaigns.order_by("-id").first()
        contact = found.tenant.contacts.order_by("-id").first()
    paths = [f"{name}/" for name in API_LISTS]
    paths += [f"contacts/?search={term}" for term in ("Anna", "Muster42", "%2B4915000000042")]
    paths += [f"contacts/{contact.uid}/", f"contacts/{contact.uid}/timeline/", f"contacts/{contact.uid}/consents/"]
    paths += [f"campaigns/{campaign.uid}/report/", f"campaigns/{campaign.uid}/messages/", "reports/overview/"]
    for path in paths:
        shown = path.replace(str(campaign.uid), "…").replace(str(contact.uid), "…")
        yield f"/api/v1/{shown}", lambda path=path: client.get(f"/api/v1/{path}")


def _admin() -> Iterator[tuple[str, Callable[[], Any]]]:
    staff = User.objects.create_superuser(email="staff@example.com", password=world.PASSWORD)
    client = _logged_in(staff)
    for model in sorted(admin.site._registry, key=lambda model: model._meta.label):
        path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        yield path, lambda path=path: client.get(path)


def _logged_in(user: User) -> Client:
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
