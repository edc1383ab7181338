"""The bakery's number, which Meta knows, and a folder of its own for what is uploaded."""

from pathlib import Path

import pytest
from pytest_django import Settings

from tenants.models import Tenant
from tests import factories
from whatsapp.emulator import Running
from whatsapp.models import Number


@pytest.fixture(autouse=True)
def kept_in(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def number(bakery: Tenant, meta: Running) -> Number:
    number = factories.number(bakery)
    meta.add_number(number.phone_number_id, number.account.waba_id)
    return number
