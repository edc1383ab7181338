"""Times the screens, lists and admin lists of a tenant with a million contacts and ten million messages.

Every route of dashboard and API that answers a GET is found in the table of routes, so that a new one is measured by
itself: those with a uid are asked for one row of each kind (`benchmarks.samples`), and one that is neither answered nor
left out here with its reason ends the benchmark. Filters and searches are named here, with many, few and no hits. What
counts a whole audience has a bar of its own. Public pages, the admin's pages of one row, and what takes a POST are not
called. Two bars more are the database's: how long it takes for a call, and that nothing reads all messages.
"""

import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode
from uuid import UUID

import httpx
from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.resolvers import RoutePattern
from django.utils.timezone import now

from benchmarks import Measured, world
from benchmarks.fleet import Fleet
from benchmarks.rounds import collector_spared
from benchmarks.samples import Values, one_of_each
from benchmarks.segments import SLOWEST_MS
from benchmarks.world import World
from messaging.models import Message
from tenants.models import User
from tenants.pages import SEARCH, sealed_search
from tenants.scope import tenant_scope

PEOPLE, CAMPAIGNS, FULL = 1_000_000, 1_000, 10
ROUNDS = 20
BAR_MS, DATABASE_BAR_MS = 300, 50
# What counts a whole audience or segment takes longer the more people there are. Pages fetch it once they are there
# (segments, which no page counts yet, programs alone), and its bar is that of segments.
COUNTS = re.compile(
    r"/campaigns/[^/]+/(?:estimate|edit/missing)/$|/edit/(?:audience|review)/\?counted|/segments/[^/]+/(?:count|preview)/$"
)
MOST_QUERIES = 40
# So long the screens are asked for through the web server as well, whose memory is watched meanwhile.
SERVED_S = 90
# Numbers of rows, and sealed searches.
UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=search=)\w+%3A[\w%]+")
NOT_ALLOWED = 405
NOTHING = UUID(int=0)
# Routes that are not asked for, and why.
BUILT = "hands out a file that a worker has built"
REVIEWS = "leads back to the review, which is asked for"
LEFT_OUT = {
    "campaigns/<uuid:uid>/launch/": REVIEWS,
    "campaigns/<uuid:uid>/schedule/": REVIEWS,
    "processing/breaches/<uuid:uid>/people.csv": "a file with everybody, written while it is fetched",
    "processing/handover/<uuid:uid>.zip": BUILT,
    "data-requests/<uuid:uid>/file/": BUILT,
    "media/<uuid:uid>/": "one row by its key; Meta would have to take a file first",
}
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
# Of a campaign of a million: some, few and none in a state, for a reason, with Meta's code, at a step.
RECIPIENTS = (
    *("state=failed", "state=skipped", "state=held", "state=expired", "reason=withdrawn", "reason=never_confirmed"),
    *("reached=read", "reached=clicked", "reached=replied", "reached=opted_out"),
)
CODES = (131026, 131053, 1)
SEARCHES = ("Anna", "Muster42", "Nobody of that name", "+4915000000042")


Page = tuple[str, Callable[[], Any]]
Samples = Mapping[str, Values]


@dataclass(frozen=True)
class Asked:
    """What twenty calls of a route took, in ms, their statements' share of it, and what one call asks."""

    path: str
    median: float
    p95: float
    p95_in_database: float
    statements: int
    scans_of_messages: int

    @property
    def counts(self) -> bool:
        """Whether it counts a whole audience, and so takes longer the more people there are."""
        return COUNTS.search(self.path) is not None

    @property
    def label(self) -> str:
        """The route without what differs from run to run."""
        return UID.sub("…", self.path)


def measure(people: int = PEOPLE) -> list[Measured]:
    """Every route's p95 of twenty warm calls stays below 300 ms, or a second where it counts an audience.

    The number of queries is bounded.
    """
    found = grown(people, CAMPAIGNS, FULL)
    grown_at = now()
    samples = one_of_each(found)
    rows = walk(found, samples, grown_at)
    serve(found, samples, SERVED_S)
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


def walk(found: World, samples: Samples, grown_at: datetime) -> list[Measured]:
    """Call every route and print it with its time and queries; only few people were added after that moment."""
    # One key asks far more often than one may.
    with override_settings(API_REQUESTS_PER_MINUTE=1_000_000), collector_spared():
        pages = [*_screens(found, samples), *_api(found, samples, grown_at), *_admin()]
        asked = [_asked(path, call) for path, call in pages]
    rows = [*(_row(each) for each in asked), *_database_rows([each for each in asked if not each.counts])]
    for row in rows:
        print(f"  {row.ours:8.1f} {row.unit}  {row.name}", flush=True)
    return rows


def serve(found: World, samples: Samples, seconds: float) -> None:
    """Ask the real web server for all screens again and again."""
    client = _owner(found)
    cookies = {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}
    paths = [path for path, _call in _screens(found, samples)]
    ends_at = time.monotonic() + seconds
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        Fleet(Path(folder), ("web",)) as fleet,
        httpx.Client(base_url=fleet.url("web"), cookies=cookies, timeout=60) as browser,
    ):
        while time.monotonic() < ends_at:
            for path in paths:
                browser.get(path).raise_for_status()


def _asked(path: str, call: Callable[[], Any]) -> Asked:
    """A call that warms and is looked at, then twenty that are timed."""
    scanned = _scans_of_messages()
    _whole, statements = _timed(path, call)
    scanned = _scans_of_messages() - scanned
    rounds = [_timed(path, call) for _ in range(ROUNDS)]
    whole = [took * 1000 for took, _statements in rounds]
    in_database = [sum(each) * 1000 for _took, each in rounds]
    return Asked(path, statistics.median(whole), _p95(whole), _p95(in_database), len(statements), scanned)


def _timed(path: str, call: Callable[[], Any]) -> tuple[float, list[float]]:
    """The seconds of a call until its last byte, and of each of its statements."""
    statements: list[float] = []

    def clocked(execute: Any, *statement: Any) -> Any:
        start = time.perf_counter()
        try:
            return execute(*statement)
        finally:
            statements.append(time.perf_counter() - start)

    with connection.execute_wrapper(clocked):
        start = time.perf_counter()
        answer = call()
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        getattr(answer, "content", None) or list(answer.streaming_content)
        return time.perf_counter() - start, statements


def _scans_of_messages() -> int:
    """How often the table of messages was read as a whole so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = %s", [Message._meta.db_table])
        (scans,) = cursor.fetchone()
    return int(scans)


def _p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _row(asked: Asked) -> Measured:
    bar = SLOWEST_MS if asked.counts else BAR_MS
    told = f"{asked.statements} queries, median {asked.median:.0f}, in the database {asked.p95_in_database:.0f}"
    met = asked.p95 < bar and asked.statements <= MOST_QUERIES
    return Measured(f"screens: {asked.label} ({told}, at most {bar} ms)", "ms p95", round(asked.p95, 1), met=met)


def _database_rows(asked: Sequence[Asked]) -> Iterator[Measured]:
    """What the database takes for the slowest route of those that count no audience, and who read all messages."""
    slowest = max(asked, key=lambda each: each.p95_in_database)
    late = sum(each.p95_in_database >= DATABASE_BAR_MS for each in asked)
    told = f"at most {DATABASE_BAR_MS} ms, {late} of {len(asked)} routes take more"
    took = round(slowest.p95_in_database, 1)
    yield Measured(f"screens: in the database, {slowest.label} ({told})", "ms p95", took, met=not late)
    readers = [each.label for each in asked if each.scans_of_messages]
    scans = sum(each.scans_of_messages for each in asked)
    yield Measured(f"screens: all messages read by {', '.join(readers) or 'nobody'}", "scans", scans, met=not scans)


def _screens(found: World, samples: Samples) -> Iterator[Page]:
    client, slug = _owner(found), found.tenant.slug
    contacts, campaigns = f"/{slug}/contacts/", f"/{slug}/campaigns/"
    recipients = f"{campaigns}{samples['campaigns/']['uid']}/recipients/"
    edited = f"{campaigns}{samples['campaigns/<uuid:uid>/edit/']['uid']}/edit/"
    paths = [
        *_routes(client, "<slug:tenant_slug>/", f"/{slug}/", samples),
        *(f"{contacts}?{urlencode({SEARCH: sealed_search(text, of=str(found.tenant.pk))})}" for text in SEARCHES),
        f"{campaigns}?state=finished",
        # What these two fetch once they are there, asked for as without a script: with the page around it.
        *(f"{edited}{step}/?counted=1" for step in ("audience", "review")),
        *(f"{recipients}?{chosen}" for chosen in RECIPIENTS),
        *(f"{recipients}?error={code}" for code in CODES),
    ]
    return _pages(client, paths)


def _api(found: World, samples: Samples, grown_at: datetime) -> Iterator[Page]:
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {found.made.api_key}"})
    messages = f"/api/v1/campaigns/{samples['campaigns/']['uid']}/messages/"
    # Everybody, and those few who were added after the world was made.
    since = (found.tenant.created_at, grown_at)
    paths = [
        *_routes(client, "api/v1/", "/api/v1/", samples),
        *(f"/api/v1/contacts/?search={quote(text)}" for text in SEARCHES),
        *(f"/api/v1/contacts/?updated_since={quote(at.isoformat())}" for at in since),
        *(f"{messages}?{chosen}" for chosen in RECIPIENTS),
        *(f"{messages}?error_code={code}" for code in CODES),
    ]
    return _pages(client, paths)


def _admin() -> Iterator[Page]:
    staff = User.objects.create_superuser(email="staff@example.com", password=world.PASSWORD)
    labels = sorted(f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry)
    return _pages(_logged_in(staff), [reverse(f"admin:{label}_changelist") for label in labels])


def _pages(client: Client, paths: Sequence[str]) -> Iterator[Page]:
    return ((path, lambda path=path: client.get(path)) for path in paths)


def _routes(client: Client, prefix: str, shown: str, samples: Samples) -> list[str]:
    """Addresses below a prefix of the table of routes, of one row each, that take a GET and are not left out."""
    (below,) = (route for route in get_resolver().url_patterns if str(route.pattern) == prefix)
    routes = [route.pattern for route in cast(URLResolver, below).url_patterns if isinstance(route, URLPattern)]
    wanted = [str(route) for route in routes if isinstance(route, RoutePattern) and str(route) not in LEFT_OUT]
    paths = [shown + PARAMETER.sub(partial(_value, _sample(route, samples)), route) for route in wanted]
    return [path for path in paths if client.get(path).status_code != NOT_ALLOWED]


def _sample(route: str, samples: Samples) -> Values:
    """The values of the longest beginning that fits; none for a route of which there is no row."""
    return samples.get(max((start for start in samples if route.startswith(start)), key=len, default=""), {})


def _value(values: Values, parameter: re.Match[str]) -> str:
    """What stands for a parameter; where nothing does, a uid of nothing, which only routes for a POST may get."""
    return str(values.get(parameter[1], NOTHING))


def _owner(found: World) -> Client:
    return _logged_in(User.objects.get(email=found.made.owner.email))


def _logged_in(user: User) -> Client:
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
