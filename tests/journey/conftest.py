"""The product's own processes, with the dashboard's server, beside a port where a stranger's Meta will stand."""

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings

from benchmarks.fleet import Fleet
from config.localservices import ports

PROCESSES = ("web", "door", "sending", "receiving", "default", "beat")


@pytest.fixture(scope="module")
def meta_port() -> int:
    return ports.free()


@pytest.fixture(scope="module")
def product(
    meta_port: int,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
) -> Iterator[Fleet]:
    """Web, door, workers and beat, all tests of a module share them."""
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    folder = tmp_path_factory.mktemp("product")
    (folder / "tmp").mkdir()
    environment = {
        "WHATSAPP_API_URL": f"http://127.0.0.1:{meta_port}",
        "MEDIA_ROOT": str(folder / "media"),
        "API_REQUESTS_PER_MINUTE": "60000",
    }
    with Fleet(folder, PROCESSES, **environment) as fleet:
        yield fleet
