"""What load balancers and deploys are told: 503 only for what this process cannot answer without."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import Client
from django.utils.timezone import now
from pytest_django import Settings

from config import health
from inbox.models import WebhookEvent
from messaging.models import Message, Source
from tenants import counting
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def alive() -> Iterator[None]:
    """Beat and every queue's worker have just shown life, and nothing else is in Redis."""
    counting.client().flushdb()
    for name in health.SILENT_S:
        counting.show_life(name)
    yield
    counting.client().flushdb()


def ready(client: Client, query: str = "") -> tuple[int, str, dict[str, str]]:
    answer = client.get(f"/readyz{query}")
    told: dict[str, Any] = answer.json()
    assert told["checks"] == {name: name not in told["reasons"] for name in health.CHECKS}
    return answer.status_code, told["status"], told["reasons"]


def test_all_is_well(client: Client) -> None:
    assert ready(client) == ready(client, "?strict=1") == (200, "ok", {})


def test_a_probe_needs_no_host_name_no_tls_and_no_session(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["zusage.example"]
    settings.SECURE_SSL_REDIRECT = True

    for path in ("/healthz", "/readyz", "/metrics"):
        answer = client.get(path, headers={"Host": "10.0.0.7:8000"})
        assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
        assert not answer.cookies
        assert client.post(path).status_code == 405
    assert client.get("/admin/", headers={"Host": "10.0.0.7:8000"}).status_code == 400


def test_alive_asks_nobody(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"status": "ok"}


def test_a_silent_beat_and_a_silent_queue_degrade_and_are_named(client: Client) -> None:
    counting.client().delete("zusage:alive:beat")
    counting.client().pexpire("zusage:alive:sending", (counting.KEPT_S - 90) * 1000)

    assert ready(client) == (
        200,
        "degraded",
        {"beat": "No sign of life: beat.", "workers": "No sign of life: sending."},
    )
    assert ready(client, "?strict=1")[:2] == (503, "degraded")


def test_a_reply_that_waits_a_minute_degrades_and_a_long_campaign_does_not(client: Client, bakery: Tenant) -> None:
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 2))
    with tenant_scope(bakery):
        Message.objects.update(next_attempt_at=now() - timedelta(hours=3))
    assert ready(client)[1] == "ok"

    with tenant_scope(bakery):
        Source.objects.filter(pk=source.pk).update(kind=Source.Kind.REPLY)

    assert ready(client) == (200, "degraded", {"sending": "The oldest messages wait: reply 10800 s."})


@pytest.mark.parametrize("held", ["source paused", "account stopped", "number pauses", "source over"])
def test_what_somebody_holds_up_is_not_late(client: Client, bakery: Tenant, held: str) -> None:
    number = factories.number(bakery)
    source = factories.source(number, factories.contacts(bakery, 1))
    later, before = now() + timedelta(hours=1), now() - timedelta(hours=1)
    with tenant_scope(bakery):
        Message.objects.update(next_attempt_at=before)
        Source.objects.filter(pk=source.pk).update(kind=Source.Kind.REPLY)
        if held == "source paused":
            Source.objects.update(state=Source.State.PAUSED)
        elif held == "account stopped":
            bakery.accounts.update(paused_at=before)
        elif held == "number pauses":
            bakery.numbers.update(paused_until=later)
        else:
            Source.objects.update(expires_at=before)

    assert ready(client)[1] == "ok"


def test_a_webhook_that_waits_degrades_the_sooner_when_a_person_wrote_it(client: Client) -> None:
    with across_tenants("this test"):
        event = WebhookEvent.objects.create(body=b"{}", priority=1, received_at=now() - timedelta(seconds=60))
    assert ready(client)[1] == "ok"

    with across_tenants("this test"):
        WebhookEvent.objects.filter(pk=event.pk).update(priority=0)

    assert ready(client) == (200, "degraded", {"receiving": "The oldest webhooks wait: people 60 s."})


def test_new_code_before_its_migration_gets_no_requests(client: Client) -> None:
    [newest] = MigrationLoader(None).graph.leaf_nodes("analytics")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = %s AND name = %s", newest)
    health._applied.cache_clear()

    status, state, reasons = ready(client)

    assert (status, state) == (503, "unavailable")
    assert reasons == {"migrations": "1 migrations are not applied: run `manage.py migrate`."}
