"""The cast: Alice owns the bakery, Bob works there, Carol owns the shop next door."""

from collections.abc import Iterator

import pytest
from django.db import connection

from tenants import actions
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope

PASSWORD = "correct horse battery"


@pytest.fixture
def bakery_made(db: None) -> NewTenant:
    """The bakery with its owner Alice and a full-scope API key."""
    return actions.create_tenant(
        slug="bakery", name="Bäckerei Sonne", owner_email="alice@example.com", password=PASSWORD
    )


@pytest.fixture
def bakery(bakery_made: NewTenant) -> Tenant:
    return bakery_made.tenant


@pytest.fixture
def shop_made(db: None) -> NewTenant:
    """The shop next door, which must never see the bakery's rows."""
    return actions.create_tenant(slug="shop", name="Laden Nebenan", owner_email="carol@example.com", password=PASSWORD)


@pytest.fixture
def shop(shop_made: NewTenant) -> Tenant:
    return shop_made.tenant


@pytest.fixture
def in_bakery(bakery: Tenant) -> Iterator[Tenant]:
    """Opens the bakery's scope for the whole test."""
    with tenant_scope(bakery):
        yield bakery


@pytest.fixture(autouse=True)
def _flushable(request: pytest.FixtureRequest, _django_db_marker: None) -> Iterator[None]:
    """Lets the TRUNCATE after transactional tests pass append-only tables; pytest-django runs those tests last."""
    yield
    marker = request.node.get_closest_marker("django_db")
    if "transactional_db" in request.fixturenames or (marker and marker.kwargs.get("transaction")):
        with connection.cursor() as cursor:
            cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'never_truncated'")
            for (table,) in cursor.fetchall():
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER never_truncated")
