"""Is it alive, and is it ready: for load balancers, supervisors and deploys. Tells nothing about tenants.

Only what this very process cannot answer without makes it "unavailable" (503). A missing Redis, a dead beat or a slow
worker is everybody's: pages, opt-outs and links go on, so it is "degraded" (200), or a load balancer would take away
every host at once. A deploy asks `/readyz?strict=1`, for which degraded is 503 too (docs/decisions/0008).
"""

from collections.abc import Callable
from functools import cache

import redis
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

import inbox.queries
import messaging.queries
from tenants import counting, wall

Check = Callable[[], str]
BEAT = "beat"
# Beat gives a sign every second, and every queue is asked every ten.
SILENT_S = {BEAT: 15, "sending": 60, "receiving": 60, "default": 900}
# What is due goes out within seconds; a campaign takes as long as its number's rate makes it.
SLOW_S = {"test": 60, "reply": 60, "people": 30, "statuses": 120}
# A probe that waits is taken for a dead host.
STATEMENT_MS = 1000


def healthz(request: HttpRequest) -> HttpResponse:
    """200 while this process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """What works and what does not, each with its reason; 503 only when this process should get no requests."""
    reasons: dict[str, str] = {}
    for name, check in CHECKS.items():
        if reason := _reason(name, check, reasons):
            reasons[name] = reason
    state = "unavailable" if REQUIRED & reasons.keys() else "degraded" if reasons else "ok"
    is_bad = state == "unavailable" or (state == "degraded" and "strict" in request.GET)
    answer = {"status": state, "checks": {name: name not in reasons for name in CHECKS}, "reasons": reasons}
    return JsonResponse(answer, status=503 if is_bad else 200)


def _reason(name: str, check: Check, reasons: dict[str, str]) -> str:
    """Why a check fails, "" if it does not; what it needs is not asked again when that is away."""
    if needed := next((other for other in NEEDS.get(name, ()) if other in reasons), ""):
        return f"Not known without {needed}."
    try:
        return check()
    except (DatabaseError, redis.RedisError) as error:
        # Never its text, which names hosts and users.
        return f"No answer: {type(error).__name__}."


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _migrations() -> str:
    missing = _unapplied()
    return f"{missing} migrations are not applied: run `manage.py migrate`." if missing else ""


def _unapplied() -> int:
    # What is applied stays applied, so a process that has seen it looks no more.
    if _applied.cache_info().currsize:
        return 0
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if not missing:
        _applied()
    return missing


@cache
def _applied() -> bool:
    return True


def _redis() -> str:
    for server in {counting.client(), counting.broker()}:
        server.ping()
    return ""


def _beat() -> str:
    return _silent([BEAT])


def _workers() -> str:
    return _silent([name for name in SILENT_S if name != BEAT])


def _silent(names: list[str]) -> str:
    silent = [name for name, age in counting.ages(names).items() if age is None or age > SILENT_S[name]]
    return f"No sign of life: {', '.join(silent)}." if silent else ""


def _sending() -> str:
    return _slow(messaging.queries.oldest_due, "messages")


def _receiving() -> str:
    return _slow(inbox.queries.oldest_waiting, "webhooks")


def _slow(oldest: Callable[[], dict[str, float]], what: str) -> str:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = %s", [STATEMENT_MS])
        ages = oldest()
    late = [f"{kind} {age:.0f} s" for kind, age in ages.items() if age > SLOW_S.get(kind, float("inf"))]
    return f"The oldest {what} wait: {', '.join(late)}." if late else ""


CHECKS: dict[str, Check] = {
    "database": _database,
    "tenant_wall": wall.fault,
    "migrations": _migrations,
    "redis": _redis,
    "beat": _beat,
    "workers": _workers,
    "sending": _sending,
    "receiving": _receiving,
}
REQUIRED = {"database", "tenant_wall", "migrations"}
NEEDS = {
    "tenant_wall": ("database",),
    "migrations": ("database",),
    "sending": ("database",),
    "receiving": ("database",),
    "beat": ("redis",),
    "workers": ("redis",),
}
