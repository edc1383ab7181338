"""Alice's and Carol's programs."""

import pytest

from tenants.actions import NewTenant
from tests.contacts.calls import Caller


@pytest.fixture
def alice(bakery_made: NewTenant) -> Caller:
    """The bakery's program."""
    return Caller(bakery_made.api_key)


@pytest.fixture
def carol(shop_made: NewTenant) -> Caller:
    """The program of the shop next door."""
    return Caller(shop_made.api_key)
