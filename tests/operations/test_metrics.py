"""/metrics: what an operator has to see, for those who may, at a price that does not grow, and nothing of anybody's."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.test import Client
from django.utils.timezone import now
from pytest_django import Settings

from analytics import tasks
from analytics.models import Kpi
from consent.models import Announcement, Breach
from inbox.models import WebhookEvent
from messaging.engine import Engine
from messaging.models import Message
from messaging.tasks import sweep
from tenants import counting
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope
from tests import factories
from whatsapp.emulator import Profile, Running

LINE = re.compile(r'^(zusage_[a-z_]+)(?:\{([a-z_]+)="([a-z_]+)"\})? (\S+)$')


@pytest.fixture(autouse=True)
def _empty_redis() -> Iterator[None]:
    counting.client().flushdb()
    yield
    counting.client().flushdb()


def scraped(client: Client, **headers: str) -> dict[str, float]:
    """Every sample by its name, or "name:label value"; asserts that the page is well-formed."""
    page = client.get("/metrics", headers=headers)
    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/plain; version=0.0.4")
    found, typed = {}, set()
    for line in page.content.decode().splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2])
        elif not line.startswith("#"):
            matched = LINE.match(line)
            assert matched, line
            assert matched[1] in typed
            found[matched[1].removeprefix("zusage_") + (f":{matched[3]}" if matched[3] else "")] = float(matched[4])
    return found


@pytest.mark.django_db
class TestWhoMayRead:
    def test_callers_of_our_own_network_may_and_nobody_else(self, client: Client) -> None:
        for address, status in (("127.0.0.1", 200), ("10.1.2.3", 200), ("::1", 200), ("8.8.8.8", 404), ("", 404)):
            assert client.get("/metrics", REMOTE_ADDR=address).status_code == status
        assert client.get("/metrics", REMOTE_ADDR="::ffff:8.8.8.8").status_code == 404
        assert client.get("/metrics", REMOTE_ADDR="::ffff:10.1.2.3").status_code == 200

    @pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
    def test_nobody_comes_through_a_proxy_beside_us(self, client: Client, name: str) -> None:
        assert client.get("/metrics", headers={name: "127.0.0.1"}).status_code == 404

    def test_with_a_token_whoever_knows_it_may_from_anywhere(self, client: Client, settings: Settings) -> None:
        settings.METRICS_TOKEN = "s3cret"

        assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 401
        assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
        right = {"Authorization": "Bearer s3cret", "X-Forwarded-For": "8.8.8.8"}
        assert client.get("/metrics", headers=right, REMOTE_ADDR="8.8.8.8").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_campaign_shows_in_sends_states_and_use_of_the_rate(
    client: Client, bakery: Tenant, meta: Running, engine: Engine
) -> None:
    meta.configure(Profile.perfect(refused={"131026": 0.5}, seed=3))
    factories.source(factories.number(bakery, throughput=50), factories.contacts(bakery, 40))

    engine.run(10)
    tasks.remember_totals()

    found = scraped(client)
    assert found["sends_total:accepted"] + found["sends_total:recipient"] == 40
    assert found["messages:accepted"] == found["messages_reached_total:accepted"] == found["sends_total:accepted"] > 0
    assert found["messages:failed"] == found["messages_failed_total:recipient"] == found["sends_total:recipient"] > 0
    assert 0 < found["bucket_wait_seconds_total"] < found["lane_seconds_total"]
    assert found["lane_capacity_total"] == pytest.approx(50 * found["lane_seconds_total"])
    assert found["queue_age_seconds:campaign"] == 0


@pytest.mark.django_db
def test_what_waits_is_shown_with_its_age(client: Client, bakery: Tenant) -> None:
    factories.source(factories.number(bakery), factories.contacts(bakery, 3))
    with tenant_scope(bakery):
        Message.objects.update(next_attempt_at=now() - timedelta(minutes=5))
        Message.objects.filter(pk=Message.objects.earliest("pk").pk).update(
            queue=1, consent_seq=1, state=7, claimed_at=now()
        )
        bakery.accounts.update(paused_at=None)
    with across_tenants("this test"):
        for state in (0, 0, 2):
            WebhookEvent.objects.create(body=b"{}", state=state, received_at=now() - timedelta(seconds=20))

    with tenant_scope(bakery):
        breach = Breach.objects.create(tenant=bakery, known_at=now(), what="Laptop", data="Kontakte")
        for hours, told_at in ((25, None), (50, now())):
            kind = "due" if told_at else "breach"
            since = now() - timedelta(hours=hours)
            Announcement.objects.create(tenant=bakery, kind=kind, breach=breach, created_at=since, told_at=told_at)

    found = scraped(client)

    assert found["announcement_age_seconds:breach"] == pytest.approx(25 * 3600, abs=5)
    assert found["announcement_age_seconds:due"] == found["announcement_age_seconds:subprocessor"] == 0
    assert found["queue_age_seconds:campaign"] == pytest.approx(300, abs=5)
    assert found["queue_age_seconds:reply"] == 0
    assert found["messages_unsettled"] == 1
    assert (found["webhooks_waiting"], found["webhooks_set_aside"]) == (2, 1)
    assert found["webhook_lag_seconds:statuses"] == pytest.approx(20, abs=5)
    assert found["webhook_lag_seconds:people"] == 0


@pytest.mark.django_db
def test_the_sweeper_the_queues_and_signs_of_life_are_shown(client: Client, bakery: Tenant) -> None:
    factories.source(factories.number(bakery), factories.contacts(bakery, 1))
    with tenant_scope(bakery):
        Message.objects.update(queue=1, consent_seq=1, state=1, claimed_at=now() - timedelta(hours=1))
    counting.client().lpush("sending", "a", "b")
    counting.show_life("beat")

    sweep()

    found = scraped(client)
    assert found["swept_total:left_behind"] == 1
    assert found["celery_queue_length:sending"] >= 2
    assert {name for name in found if name.startswith("celery_queue_length")} == {
        f"celery_queue_length:{route['queue']}" for route in configured.CELERY_TASK_ROUTES.values()
    }
    assert 0 <= found["silent_seconds:beat"] < 5
    assert found["silent_seconds:default"] == float("inf")
    assert found["database_connections:active"] >= 1
    assert found["database_connections_max"] > 10


@pytest.mark.django_db
def test_kpis_that_differ_from_a_recount_are_known_after_the_nightly_check(client: Client, bakery: Tenant) -> None:
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 2))
    tasks.check_kpis_of(tenant_id=bakery.pk)
    assert (scraped(client)["kpi_drift"], scraped(client)["kpi_checked_tenants"]) == (0, 1)

    with tenant_scope(bakery):
        Kpi.objects.filter(source=source).update(in_queued=5, accepted=1)
    tasks.check_kpis_of(tenant_id=bakery.pk)

    assert scraped(client)["kpi_drift"] == 2


@pytest.mark.django_db
def test_it_names_no_tenant_no_number_and_no_person(client: Client, bakery: Tenant) -> None:
    factories.source(factories.number(bakery), factories.contacts(bakery, 2))
    tasks.remember_totals()

    page = client.get("/metrics").content.decode().lower()

    for word in ("bakery", "bäckerei", str(bakery.uid), "4930", "ada0", f'"{bakery.pk}"'):
        assert word not in page
    assert len(page.splitlines()) < 200


@pytest.mark.django_db
def test_every_metric_is_explained_and_every_alert_asks_for_one_that_exists(client: Client, bakery: Tenant) -> None:
    tasks.remember_totals()
    shown = {f"zusage_{name.partition(':')[0]}" for name in scraped(client)}
    shown |= {"zusage_messages_failed_total"}
    page = (Path(configured.BASE_DIR) / "docs" / "operations.md").read_text().partition("## Metrics")[2]

    # Roles and times of PostgreSQL look alike.
    named = set(re.findall(r"zusage_[a-z_]+", page))
    assert named == shown


@pytest.mark.django_db
def test_without_redis_the_database_is_still_shown(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    found = scraped(client)

    assert (found["redis_up"], found["database_up"]) == (0, 1)
    assert "webhooks_waiting" in found
    sweep()
