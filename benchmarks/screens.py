"""Times every screen, list and admin page of a tenant with a million contacts and ten million messages.

Pages that need nothing but the company are found in the table of routes, so that a new one is measured by itself; those
of one campaign, contact or draft are named here. Routes that only take a POST are no screens, nor are the numbers of an
audience, which its pages fetch once they are there.
"""

import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode

import httpx
from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.resolvers import RoutePattern

from benchmarks import Measured, world
from benchmarks.fleet import Fleet
from benchmarks.world import World
from campaigns import actions
from campaigns.models import Campaign
from contacts.models import Contact
from tenants.models import User
from tenants.pages import SEARCH, sealed_search
from tenants.scope import tenant_scope
from tests import factories

PEOPLE, CAMPAIGNS, FULL = 1_000_000, 1_000, 10
ROUNDS = 20
BAR_MS = 300
MOST_QUERIES = 40
# So long the screens are asked for through the web server as well, whose memory is watched meanwhile.
SERVED_S = 90
# Numbers of rows, and sealed searches.
UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=search=)\w+%3A[\w%]+")
NOT_ALLOWED = 405
OF_DRAFT = ("name", "audience", "message", "preview", "review")
OF_CONTACT = ("contact", "proof", "withdraw")
API_OF_CAMPAIGN = ("campaign", "campaign-report", "campaign-messages")
API_OF_CONTACT = ("contact", "contact-timeline", "contact-consents")
SEARCHES = ("Anna", "Muster42", "Nobody of that name", "+4915000000042")


Page = tuple[str, Callable[[], Any]]


def measure(people: int = PEOPLE) -> list[Measured]:
    """Every route's p95 of twenty warm calls stays below 300 ms, with a bounded number of queries."""
    found = grown(people, CAMPAIGNS, FULL)
    rows = walk(found)
    serve(found, SERVED_S)
    return rows


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
    rows = [_timed(path, call) for path, call in [*_screens(found), *_api(found), *_admin()]]
    for row in rows:
        print(f"  {row.ours:8.1f} ms  {row.name}", flush=True)
    return rows


def serve(found: World, seconds: float) -> None:
    """Ask the real web server for all screens again and again."""
    client = _owner(found)
    cookies = {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}
    paths = [path for path, _call in _screens(found)]
    ends_at = time.monotonic() + seconds
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        Fleet(Path(folder), ("web",)) as fleet,
        httpx.Client(base_url=fleet.url("web"), cookies=cookies, timeout=60) as browser,
    ):
        while time.monotonic() < ends_at:
            for path in paths:
                browser.get(path).raise_for_status()


def _timed(path: str, call: Callable[[], Any]) -> Measured:
    statements: list[str] = []

    def noted(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(noted):
        answer = call()
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    times = [_seconds(call) * 1000 for _ in range(ROUNDS)]
    p95 = statistics.quantiles(times, n=20)[-1]
    label = f"screens: {UID.sub('…', path)} ({len(statements)} queries, median {statistics.median(times):.0f} ms)"
    return Measured(label, "ms p95", round(p95, 1), met=p95 < BAR_MS and len(statements) <= MOST_QUERIES)


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    answer = call()
    getattr(answer, "content", None) or list(answer.streaming_content)
    return time.perf_counter() - start


def _screens(found: World) -> Iterator[Page]:
    client, slug = _owner(found), found.tenant.slug
    campaign, contact = _newest(found)
    draft = _draft(found)

    def page(name: str, uid: object) -> str:
        return reverse(name, kwargs={"tenant_slug": slug, "uid": uid})

    contacts, campaigns, report = f"/{slug}/contacts/", f"/{slug}/campaigns/", page("campaign_report", campaign.uid)
    paths = [
        *_plain(client, "<slug:tenant_slug>/", f"/{slug}/"),
        *(f"{contacts}?{urlencode({SEARCH: sealed_search(text, of=str(found.tenant.pk))})}" for text in SEARCHES),
        f"{campaigns}?state=finished",
        *(report, f"{report}recipients/", f"{report}recipients/?reached=read"),
        *(page(f"campaign_{step}", draft.uid) for step in OF_DRAFT),
        *(page(name, contact.uid) for name in OF_CONTACT),
    ]
    return _pages(client, paths)


def _api(found: World) -> Iterator[Page]:
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {found.made.api_key}"})
    campaign, contact = _newest(found)
    paths = [
        *_plain(client, "api/v1/", "/api/v1/"),
        *(f"/api/v1/contacts/?search={quote(text)}" for text in SEARCHES),
        *(reverse(f"api:{name}", kwargs={"uid": campaign.uid}) for name in API_OF_CAMPAIGN),
        *(reverse(f"api:{name}", kwargs={"uid": contact.uid}) for name in API_OF_CONTACT),
    ]
    return _pages(client, paths)


def _admin() -> Iterator[Page]:
    staff = User.objects.create_superuser(email="staff@example.com", password=world.PASSWORD)
    labels = sorted(f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry)
    return _pages(_logged_in(staff), [reverse(f"admin:{label}_changelist") for label in labels])


def _pages(client: Client, paths: Sequence[str]) -> Iterator[Page]:
    return ((path, lambda path=path: client.get(path)) for path in paths)


def _plain(client: Client, prefix: str, shown: str) -> list[str]:
    """Addresses of all pages below a prefix of the table of routes that need nothing more than that."""
    (below,) = (route for route in get_resolver().url_patterns if str(route.pattern) == prefix)
    routes = [route.pattern for route in cast(URLResolver, below).url_patterns if isinstance(route, URLPattern)]
    paths = [f"{shown}{route}" for route in routes if isinstance(route, RoutePattern) and "<" not in str(route)]
    return [path for path in paths if client.get(path).status_code != NOT_ALLOWED]


def _newest(found: World) -> tuple[Campaign, Contact]:
    with tenant_scope(found.tenant):
        campaigns, contacts = found.tenant.campaigns.exclude(state="draft"), found.tenant.contacts
        return campaigns.latest("pk"), contacts.latest("pk")


def _draft(found: World) -> Campaign:
    """One to everybody, as it stands before its launch."""
    with tenant_scope(found.tenant):
        draft = actions.create(tenant=found.tenant, name="Entwurf", by=None)
        actions.set_audience(campaign=draft, by=None, include_lists=[found.everybody])
        actions.set_content(
            campaign=draft, by=None, template=found.tenant.templates.get(), variables=factories.VARIABLES
        )
    return draft


def _owner(found: World) -> Client:
    return _logged_in(User.objects.get(email=found.made.owner.email))


def _logged_in(user: User) -> Client:
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
