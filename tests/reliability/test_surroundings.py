"""A sender whose surroundings are slow or away: what it knows is written down, and it goes on."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
import redis
from django.db import connection
from pytest_django import Settings

from benchmarks.fleet import BROKER, Fleet, wait_until
from config.localservices import ports
from messaging import sending
from messaging.engine import Engine
from messaging.models import Message, Source
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from whatsapp.emulator import Running

pytestmark = pytest.mark.django_db(transaction=True)

_BODY = b'{"error": {"message": "Rate limit hit", "code": 130429}}'
THROTTLED = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)
# Only a claim writes this column.
SLOW_CLAIMS = f"""
CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_sleep({sending.CLAIM_LASTS_S + 0.1}); RETURN NULL; END $$;
CREATE TRIGGER slow AFTER UPDATE OF consent_seq ON messaging_message FOR EACH STATEMENT EXECUTE FUNCTION be_slow()
"""


@pytest.fixture
def slow_claims(db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(SLOW_CLAIMS)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION be_slow CASCADE")


def in_background(engine: Engine, seconds: float) -> threading.Thread:
    """Let it send, as a worker does: if Redis is away it ends, and the next ring starts another one."""

    def send() -> None:
        with contextlib.suppress(redis.RedisError):
            engine.run(seconds)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def outcomes(source: Source) -> set[tuple[str, int, int | None]]:
    with tenant_scope(source.tenant_id):
        rows = Message.objects.filter(source=source).values_list("state", "attempt", "error_code")
        return {(Message.State(state).name, attempt, code) for state, attempt, code in rows}


def test_what_meta_throttled_is_known_to_be_unsent_though_redis_is_gone(
    bakery: Tenant, engine: Engine, own_redis: Fleet, settings: Settings
) -> None:
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 1))

    with socket.create_server((ports.ADDRESS, 0)) as meta:
        settings.WHATSAPP_API_URL = f"http://{ports.ADDRESS}:{meta.getsockname()[1]}"
        sender = in_background(engine, 3)
        connected, _ = meta.accept()
        with connected:
            connected.recv(100_000)
            own_redis.end(BROKER)
            connected.sendall(THROTTLED)
        sender.join()

    assert outcomes(source) == {("QUEUED", 1, 130429)}


def test_after_a_restart_of_redis_the_rest_is_sent_and_nobody_twice(
    bakery: Tenant, meta: Running, engine: Engine, own_redis: Fleet
) -> None:
    number = factories.number(bakery, throughput=100, daily_limit=1000)
    source = factories.source(number, factories.contacts(bakery, 200))

    sender = in_background(engine, 20)
    wait_until(lambda: len(meta.ledger) > 50, "the first messages", 20)
    own_redis.kill(BROKER, away_s=1)
    sender.join()
    engine.run(20)

    assert factories.states(source) == {"ACCEPTED": 200}
    assert meta.duplicates() == {}


def test_claims_that_take_longer_than_they_last_are_sent_all_the_same(
    bakery: Tenant, meta: Running, engine: Engine, slow_claims: None
) -> None:
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 3))

    engine.run(3)

    assert factories.states(source) == {"ACCEPTED": 3}
