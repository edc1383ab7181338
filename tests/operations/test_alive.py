"""Beat and workers show that they live, while nothing is due: for /readyz, and in a file for health checks."""

from pathlib import Path

import pytest
from pytest_django import Settings

from benchmarks.fleet import BROKER, Fleet, wait_until
from config.health import BEAT
from config.localservices import valkey
from config.localservices.supervisor import CannotStart
from tenants import counting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _with_own_redis() -> None:
    try:
        valkey.program()
    except CannotStart as error:
        pytest.skip(str(error))


def test_a_worker_renews_its_file_and_a_stopped_one_does_not(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    with Fleet(tmp_path, [BROKER, "receiving"], ALIVE_FILE=str(alive)) as fleet:
        wait_until(alive.exists, "the start of the worker", 60)
        first = alive.stat().st_mtime_ns
        wait_until(lambda: alive.stat().st_mtime_ns > first, "the next sign of life", 20)
        fleet.end("receiving")
        last = alive.stat().st_mtime_ns

    assert alive.stat().st_mtime_ns == last


def test_beat_and_the_queues_that_are_served_show_life_and_the_others_do_not(
    tmp_path: Path, settings: Settings
) -> None:
    alive = tmp_path / "alive"
    with Fleet(tmp_path, [BROKER, "beat"], ALIVE_FILE=str(alive)) as fleet:
        settings.REDIS_URL = fleet.redis_url
        wait_until(lambda: counting.ages([BEAT])[BEAT] is not None, "beat's first sign", 60)
        assert alive.exists()
        assert counting.ages(["receiving", "sending"]) == {"receiving": None, "sending": None}

    with Fleet(tmp_path, [BROKER, "beat", "receiving"]) as fleet:
        settings.REDIS_URL = fleet.redis_url
        wait_until(lambda: counting.ages(["receiving"])["receiving"] is not None, "the queue's first sign", 60)
        assert counting.ages(["sending"]) == {"sending": None}
