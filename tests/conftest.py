"""The cast: Alice owns the bakery, Bob works there, Carol owns the shop next door."""

from collections.abc import Iterator

import pytest
import redis
from django.db import connection
from django.test import Client, override_settings
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker, Settings

from messaging.engine import Engine
from tenants.actions import NewTenant
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests import factories, roles
from tests.contacts.calls import Caller
from whatsapp.emulator import Profile, Running, running

PASSWORD = "correct horse battery"

# How fast examples are made and tried says how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Passwords cost next to nothing; what they cost in production is asked by tests/tenants/test_passwords.py."""
    with override_settings(PASSWORD_HASHERS=["tests.passwords.QuickHasher"]):
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The tests' database with the rights that a deploy gives after `migrate`."""
    with django_db_blocker.unblock():
        roles.prepare()


@pytest.fixture
def as_runtime(db: None, _flushable: None) -> Iterator[None]:
    """The test runs as the role that runs the app in production, which owns nothing."""
    if not roles.is_there():
        pytest.skip(f"this server has no role {roles.RUNTIME} that the owner may take on")
    with roles.as_runtime():
        yield


@pytest.fixture
def bakery_made(db: None) -> NewTenant:
    """The bakery with its owner Alice and a full-scope API key."""
    return factories.company(slug="bakery", name="Bäckerei Sonne", owner_email="alice@example.com", password=PASSWORD)


@pytest.fixture
def bakery(bakery_made: NewTenant) -> Tenant:
    return bakery_made.tenant


@pytest.fixture
def shop_made(db: None) -> NewTenant:
    """The shop next door, which must never see the bakery's rows."""
    return factories.company(slug="shop", name="Laden Nebenan", owner_email="carol@example.com", password=PASSWORD)


@pytest.fixture
def shop(shop_made: NewTenant) -> Tenant:
    return shop_made.tenant


@pytest.fixture
def in_bakery(bakery: Tenant) -> Iterator[Tenant]:
    """Opens the bakery's scope for the whole test."""
    with tenant_scope(bakery):
        yield bakery


@pytest.fixture
def alice(bakery_made: NewTenant) -> Caller:
    """The bakery's program, with all scopes."""
    return Caller(bakery_made.api_key)


@pytest.fixture
def carol(shop_made: NewTenant) -> Caller:
    """The program of the shop next door."""
    return Caller(shop_made.api_key)


@pytest.fixture
def staff(db: None) -> Client:
    """Somebody of ours in Django admin."""
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(User.objects.create_superuser("staff@example.com", PASSWORD))
    return client


@pytest.fixture
def meta(settings: Settings) -> Iterator[Running]:
    """Meta's API over real HTTP, which delivers and reads everything at once."""
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    with running(Profile.perfect()) as emulator:
        settings.WHATSAPP_API_URL = emulator.base_url
        yield emulator


@pytest.fixture
def engine() -> Iterator[Engine]:
    """A sender that runs in the test's own process."""
    engine = Engine()
    yield engine
    engine.close()


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
