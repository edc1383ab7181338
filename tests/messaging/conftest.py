"""A sender that runs in the test's own process, against the emulator over real HTTP."""

from collections.abc import Iterator

import pytest
import redis
from pytest_django import Settings

from messaging.sending import Engine
from whatsapp.emulator import Profile, Running, running


@pytest.fixture
def meta(settings: Settings) -> Iterator[Running]:
    """Meta's API, which delivers and reads everything at once."""
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    with running(Profile.perfect()) as emulator:
        settings.WHATSAPP_API_URL = emulator.base_url
        yield emulator


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()
