"""One sandbox for each file of tests, as good as new for each test."""

from collections.abc import Iterator

import pytest

from tests.whatsapp.emulator.cast import ACCOUNT, NUMBER, SECRET
from whatsapp.client import Client
from whatsapp.emulator import Profile, Running, running


@pytest.fixture(scope="module")
def emulator() -> Iterator[Running]:
    with running(app_secret=SECRET) as emulator:
        yield emulator


@pytest.fixture
def sandbox(emulator: Running) -> Running:
    """Nothing has happened yet, everybody gets and reads everything, and there is one number."""
    emulator.reset(everything=True)
    emulator.configure(Profile.perfect())
    emulator.add_number(NUMBER, ACCOUNT)
    return emulator


@pytest.fixture
def client(sandbox: Running) -> Iterator[Client]:
    with Client(sandbox.base_url, "v25.0", "token") as client:
        yield client
