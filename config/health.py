"""Is it alive, and is it ready: for load balancers and supervisors. Tells nothing about tenants."""

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest, JsonResponse

from tenants import wall


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while this process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 while the database and Redis answer and tenants are kept apart, else 503 with what is not so and why."""
    fault = _wall_fault()
    checks = {"database": fault is not None, "tenant_wall": fault == "", "redis": _redis_answers()}
    is_ready = all(checks.values())
    reason = {"reason": fault} if fault else {}
    answer = {"status": "ok" if is_ready else "unavailable", "checks": checks, **reason}
    return JsonResponse(answer, status=200 if is_ready else 503)


def _wall_fault() -> str | None:
    """None when the database does not answer."""
    try:
        return wall.fault()
    except DatabaseError:
        return None


def _redis_answers() -> bool:
    try:
        return bool(redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2).ping())
    except redis.RedisError:
        return False
