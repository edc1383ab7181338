"""The bakery has a number and an approved template, and an integrator who calls the API for it."""

import pytest

from campaigns.models import Campaign
from tenants.actions import NewTenant
from tenants.models import Tenant
from tests import factories
from tests.campaigns.cast import draft
from tests.contacts.calls import Caller
from whatsapp.models import Number, Template


@pytest.fixture
def number(bakery: Tenant) -> Number:
    return factories.number(bakery)


@pytest.fixture
def template(number: Number) -> Template:
    return factories.template(number.tenant)


@pytest.fixture
def api(bakery_made: NewTenant) -> Caller:
    """Calls with the bakery's key."""
    return Caller(bakery_made.api_key)


@pytest.fixture
def ready(bakery: Tenant) -> Campaign:
    return draft(bakery, factories.contacts(bakery, 2))
