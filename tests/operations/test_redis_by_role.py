"""Tasks, cache and the rest can lie in a Redis each, and emptying one leaves the others alone."""

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings as configured
from django.test import Client
from pytest_django import Settings

from tenants import counting
from tests.operations.test_logs import python
from tests.operations.test_metrics import scraped

# The embedded server has several databases; the product takes them for servers.
BROKER, CACHE = (f"{configured.REDIS_URL.rsplit('/', 1)[0]}/{number}" for number in (1, 2))
USE_ALL = (
    "import django; django.setup()\n"
    "from django.core.cache import cache\n"
    "from inbox.tasks import receive\n"
    "from tenants import counting\n"
    "cache.set('limit', 1)\n"
    "receive.apply_async()\n"
    "counting.add({'sends.accepted': 1})\n"
)


def keys(url: str) -> set[str]:
    return {key.decode() for key in redis.Redis.from_url(url).scan_iter()}


def flush() -> None:
    for url in (configured.REDIS_URL, BROKER, CACHE):
        redis.Redis.from_url(url).flushdb()


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    flush()
    yield
    flush()


def test_each_role_uses_its_own_server() -> None:
    ended = python(USE_ALL, BROKER_URL=BROKER, CACHE_URL=CACHE)

    assert ended.returncode == 0, ended.stderr
    assert keys(configured.REDIS_URL) == {counting.COUNTS}
    assert "receiving" in keys(BROKER)
    assert keys(CACHE) == {"zusage:1:limit"}


def test_without_addresses_of_their_own_all_use_one() -> None:
    ended = python(USE_ALL, BROKER_URL="", CACHE_URL="")

    assert ended.returncode == 0, ended.stderr
    assert keys(configured.REDIS_URL) >= {counting.COUNTS, "receiving", "zusage:1:limit"}
    assert keys(BROKER) == keys(CACHE) == set()


def test_an_emptied_cache_loses_no_task_and_no_count() -> None:
    ended = python(f"{USE_ALL}cache.clear()", BROKER_URL=BROKER, CACHE_URL=CACHE)

    assert ended.returncode == 0, ended.stderr
    assert keys(CACHE) == set()
    assert "receiving" in keys(BROKER)
    assert counting.counts() == {"sends.accepted": 1}


@pytest.mark.django_db
def test_metrics_and_probes_ask_the_broker_where_it_is(client: Client, settings: Settings) -> None:
    settings.CELERY_BROKER_URL = BROKER
    redis.Redis.from_url(BROKER).lpush("sending", "a task", "another")

    assert scraped(client)["celery_queue_length:sending"] == 2
    assert client.get("/readyz").json()["checks"]["redis"] is True

    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"

    assert scraped(client)["redis_up"] == 0
    assert client.get("/readyz").json()["checks"]["redis"] is False
