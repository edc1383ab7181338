"""A Redis that a test may kill."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from benchmarks.fleet import BROKER, Fleet
from config.localservices import valkey
from config.localservices.supervisor import CannotStart
from messaging import budget


@pytest.fixture
def with_own_redis() -> None:
    """Skips the test where no Redis can be started that would be ours alone."""
    try:
        valkey.program()
    except CannotStart as error:
        pytest.skip(str(error))


@pytest.fixture
def own_redis(with_own_redis: None, tmp_path: Path, settings: Settings) -> Iterator[Fleet]:
    """A Redis of this test alone, for what the test's own process sends."""
    with Fleet(tmp_path, [BROKER]) as fleet:
        settings.REDIS_URL = fleet.redis_url
        budget.client.cache_clear()
        yield fleet
    budget.client.cache_clear()
