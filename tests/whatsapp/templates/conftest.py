"""Meta with one account and number of the bakery, and workers that run on the spot where asked for."""

from collections.abc import Iterator

import pytest
from celery import current_app
from pytest_django import Settings

from tenants.models import Tenant
from tests import factories
from whatsapp.emulator import Running, running
from whatsapp.models import Account


@pytest.fixture
def meta(settings: Settings) -> Iterator[Running]:
    with running() as emulator:
        settings.WHATSAPP_API_URL = emulator.base_url
        yield emulator


@pytest.fixture
def at_once() -> Iterator[None]:
    """Tasks that are handed to workers run on the spot."""
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False


@pytest.fixture
def account(bakery: Tenant, meta: Running) -> Account:
    number = factories.number(bakery)
    meta.add_number(number.phone_number_id, number.account.waba_id, display="+49 30 23125000", name="Bäckerei Sonne")
    return number.account
