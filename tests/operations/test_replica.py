"""Reports are read from a replica that really streams: only they, behind the same wall, and never at its mercy."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg2
import pytest
from django.conf import settings
from django.db import connection, connections
from django.utils.timezone import now
from pytest_django import DjangoDbBlocker

from benchmarks.chaos.postgres import Server, own_server
from benchmarks.fleet import wait_until
from campaigns.models import Campaign
from config.localservices import postgres
from config.localservices.supervisor import CannotStart
from messaging.models import Message
from tenants import replica, tasks, wall
from tenants.actions import NewTenant
from tenants.replica import reading, report_scope
from tenants.scope import tenant_scope
from tests import factories
from tests.analytics.cast import campaign_of, contacts_of, messages_of, reached
from tests.conftest import PASSWORD

REPLAYED_LSN = "SELECT pg_last_wal_replay_lsn()"
REPLAYED = "SELECT pg_last_xact_replay_timestamp()"


@dataclass
class Place:
    """A primary with two companies, its standby, and a web process that knows both."""

    primary: Server
    standby: Server
    address: str
    bakery: NewTenant
    shop: NewTenant
    over: Campaign
    running: Campaign

    @contextmanager
    def stood_still(self) -> Iterator[None]:
        """The standby has replayed everything so far and replays nothing more for the time being."""
        self.catch_up()
        told(self.standby, "SELECT pg_wal_replay_pause()")
        wait_until(lambda: told(self.standby, "SELECT pg_get_wal_replay_pause_state()") == "paused", "the pause", 20)
        try:
            yield
        finally:
            told(self.standby, "SELECT pg_wal_replay_resume()")

    def catch_up(self) -> None:
        """Wait until the standby has replayed what was committed before."""
        # A commit for certain: after a start the standby does not know the time until it has replayed one.
        told(self.primary, "SELECT pg_logical_emit_message(true, '', '')")
        written = told(self.primary, "SELECT pg_current_wal_flush_lsn()")
        wait_until(lambda: told(self.standby, f"{REPLAYED_LSN} >= '{written}'"), "the standby", 20)

    def deliver_one_more(self) -> None:
        """One more person of each campaign, and one more contact."""
        with tenant_scope(self.bakery.tenant):
            for campaign in (self.over, self.running):
                reached(messages_of(campaign.source, 1), "accepted", "sent", "delivered", at=now())

    def numbers(self, made: NewTenant | None = None) -> dict[str, int]:
        """What a company's program is told; the bakery's without a company."""
        headers = {"Authorization": f"Bearer {(made or self.bakery).api_key}"}
        with httpx.Client(base_url=f"{self.address}/api/v1/", headers=headers, timeout=60) as program:
            reports = [program.get(f"campaigns/{each.uid}/report/").json() for each in (self.over, self.running)]
            overview = program.get("reports/overview/").json()
            segment = program.post("segments/preview/", json={"rule": {}}).json()
        over, running = (report["counts"]["delivered"] if "counts" in report else 0 for report in reports)
        return {
            "over": over,
            "running": running,
            "overview": overview["current"]["counts"]["delivered"],
            "runs on the overview": sum(row["counts"]["delivered"] for row in overview["running"]),
            "segment": segment["count"],
            "named of the segment": len(segment["sample"]),
        }

    def page(self) -> str:
        """The overview as Alice sees it."""
        with httpx.Client(base_url=self.address, timeout=60, headers={"Accept-Language": "en"}) as browser:
            browser.get("/accounts/login/")
            form = {"login": "alice@example.com", "password": PASSWORD}
            browser.post("/accounts/login/", data=form | {"csrfmiddlewaretoken": browser.cookies["csrftoken"]})
            page = browser.get("/bakery/")
        assert page.status_code == 200
        return page.text


def told(server: Server, question: str) -> Any:
    """A server's answer to its superuser."""
    asked = psycopg2.connect(server.superuser_url)
    asked.autocommit = True
    try:
        with asked.cursor() as cursor:
            cursor.execute(question)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        asked.close()


def process(code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """What a process of its own says."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)


@contextmanager
def web(**environment: str) -> Iterator[str]:
    """Where a web process answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = f"--bind fd://{listener.fileno()} --worker-class gthread --threads 2 --no-control-socket"
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "config.wsgi", *arguments.split()],
            env=os.environ | environment,
            pass_fds=[listener.fileno()],
        )
        try:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            assert httpx.get(f"{address}/healthz", timeout=60).status_code == 200
            yield address
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Place]:
    try:
        postgres.programs()
    except CannotStart as error:
        pytest.skip(str(error))
    first, second = tmp_path_factory.mktemp("primary"), tmp_path_factory.mktemp("standby")
    with django_db_blocker.unblock(), own_server(first) as primary:
        bakery = factories.company(slug="bakery", name="Sonne", owner_email="alice@example.com", password=PASSWORD)
        shop = factories.company(slug="shop", name="Laden", owner_email="carol@example.com", password=PASSWORD)
        with tenant_scope(bakery.tenant):
            ended = {"state": "finished", "finished_at": now() - timedelta(hours=2)}
            over, running = campaign_of(bakery.tenant, **ended), campaign_of(bakery.tenant)
        # So that it is idle when nobody asks it for anything.
        told(primary, "ALTER SYSTEM SET autovacuum = off")
        told(primary, "SELECT pg_reload_conf()")
        standby = primary.standby(second)
        try:
            with web(REPORTS_DATABASE_URL=standby.url) as address:
                yield Place(primary, standby, address, bakery, shop, over, running)
        finally:
            standby.end()


@pytest.fixture
def known(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """This process knows the standby, too; what it knows of it may be changed until it is asked."""
    monkeypatch.setattr(replica, "_away_until", 0.0)
    settings = {**connection.settings_dict, "PORT": urlsplit(place.standby.url).port}
    monkeypatch.setitem(connections.settings, replica.REPORTS, settings)
    yield settings
    connections[replica.REPORTS].close()
    del connections[replica.REPORTS]


def test_reports_come_from_the_replica_and_what_runs_from_the_primary(place: Place) -> None:
    place.deliver_one_more()
    place.catch_up()
    before = place.numbers()
    assert before == {
        "over": 1, "running": 1, "overview": 2, "runs on the overview": 1, "segment": 2, "named of the segment": 2
    }  # fmt: skip

    with place.stood_still():
        place.deliver_one_more()
        meanwhile = place.numbers()
        page = place.page()
        with tenant_scope(place.bakery.tenant):
            running = Campaign.objects.filter(pk=place.running.pk)
            running.update(state="finished", finished_at=now())
        ended_just_now = place.numbers()["running"]
        with tenant_scope(place.bakery.tenant):
            running.update(state="running", finished_at=None)

    # What somebody may have just done, and people by name, are as they are now.
    assert meanwhile == before | {"running": 2, "runs on the overview": 2, "named of the segment": 4}
    assert ended_just_now == 2
    assert "2 delivered" in page
    place.catch_up()
    assert place.numbers() == {
        "over": 2, "running": 2, "overview": 4, "runs on the overview": 2, "segment": 4, "named of the segment": 4
    }  # fmt: skip
    assert "4 delivered" in place.page()


def test_another_company_sees_nothing_of_it_there(place: Place, known: dict[str, Any]) -> None:
    place.deliver_one_more()
    place.catch_up()

    assert set(place.numbers(place.shop).values()) == {0}
    # No query here names a company: what keeps them apart is the database.
    for made, is_there in ((place.bakery, True), (place.shop, False)):
        with tenant_scope(made.tenant), report_scope(made.tenant), reading().cursor() as cursor:
            assert reading().settings_dict is known
            assert Message.objects.exists() is is_there
            cursor.execute("SELECT EXISTS (SELECT FROM messaging_message)")
            assert cursor.fetchone() == (is_there,)
    with connections[replica.REPORTS].cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM messaging_message)")
        assert cursor.fetchone() == (False,)


def test_what_is_written_or_locked_inside_a_report_is_the_primarys(place: Place, known: dict[str, Any]) -> None:
    place.catch_up()
    with place.stood_still(), tenant_scope(place.bakery.tenant):
        with report_scope(place.bakery.tenant):
            found = Campaign.objects.get(pk=place.over.pk)
            found.name = "Herbst"
            found.save(update_fields=["name"])
            [new] = contacts_of(place.bakery.tenant, 1)
            seen = Campaign.objects.get(pk=place.over.pk)
            assert seen.name == "Sommer"
            assert Campaign.objects.select_for_update().get(pk=place.over.pk).name == "Herbst"
        # What hangs on a row from there is not looked for there.
        assert seen.tenant.contacts.filter(pk=new.pk).exists()
        seen.refresh_from_db()
        assert seen.name == "Herbst"
        found.name = "Sommer"
        found.save(update_fields=["name"])
        new.delete()


def test_a_role_that_passes_the_wall_is_not_used(
    place: Place, known: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    superuser = urlsplit(place.standby.superuser_url)
    known.update({"USER": superuser.username, "PASSWORD": superuser.password})

    with tenant_scope(place.shop.tenant), report_scope(place.shop.tenant):
        assert reading().alias == "default"
        assert not Message.objects.exists()

    assert "role of REPORTS_DATABASE_URL passes row-level security" in caplog.text
    found = [*wall.check(databases=["reports"]), *wall.check_rights(databases=["reports"])]
    named = [each.id for each in found if "role of REPORTS_DATABASE_URL" in each.msg]
    assert named == ["tenants.E001", "tenants.W001"]


def test_a_replica_that_stands_still_is_used_for_minutes_and_not_for_ever(
    place: Place, known: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with place.stood_still(), tenant_scope(place.bakery.tenant):
        with report_scope(place.bakery.tenant):
            assert reading().settings_dict is known
        with monkeypatch.context() as later:
            later.setattr(replica, "BEHIND", now() - told(place.standby, REPLAYED))
            with report_scope(place.bakery.tenant):
                assert reading().alias == "default"

    assert "behind" in caplog.text
    monkeypatch.setattr(replica, "_away_until", 0.0)
    with tenant_scope(place.bakery.tenant), report_scope(place.bakery.tenant):
        assert reading().settings_dict is known


def test_a_replica_that_has_followed_nobody_since_its_start_is_not_used(
    place: Place, known: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    place.catch_up()
    connection.close()
    place.primary.end(signal.SIGINT)
    try:
        wait_until(lambda: told(place.standby, f"{REPLAYED_LSN} >= pg_last_wal_receive_lsn()"), "the last WAL", 20)
        # Nothing that was committed is left to replay when it starts.
        told(place.standby, "CHECKPOINT")
        place.standby.end()
        place.standby.start()
        assert told(place.standby, REPLAYED) is None
        with report_scope(place.bakery.tenant):
            assert reading().alias == "default"
    finally:
        place.primary.start()
    place.catch_up()
    monkeypatch.setattr(replica, "_away_until", 0.0)
    with tenant_scope(place.bakery.tenant), report_scope(place.bakery.tenant):
        assert reading().settings_dict is known


def test_a_replica_that_was_promoted_is_not_used_from_that_moment(
    place: Place, known: dict[str, Any], tmp_path: Path
) -> None:
    promoted = place.primary.standby(tmp_path)
    try:
        replace(place, standby=promoted).catch_up()
        known["PORT"] = urlsplit(promoted.url).port
        with tenant_scope(place.bakery.tenant), report_scope(place.bakery.tenant):
            assert reading().settings_dict is known

        assert told(promoted, "SELECT pg_promote()")
        with tenant_scope(place.bakery.tenant), report_scope(place.bakery.tenant):
            assert reading().alias == "default"
        # Not because of its age.
        assert now() - told(promoted, REPLAYED) < replica.BEHIND
    finally:
        connections[replica.REPORTS].close()
        promoted.end()


def test_an_idle_primary_lets_its_replica_know_the_time(place: Place) -> None:
    place.catch_up()
    before = told(place.standby, REPLAYED)

    tasks.mark()

    wait_until(lambda: told(place.standby, REPLAYED) > before, "the time", 20)
    rounds = [entry["schedule"] for entry in settings.CELERY_BEAT_SCHEDULE.values() if entry["task"] == tasks.mark.name]
    assert [timedelta(seconds=each) < replica.BEHIND / 2 for each in rounds] == [True]


@pytest.mark.parametrize("variable", ["DATABASE_URL", "REPORTS_DATABASE_URL"])
def test_an_address_that_names_something_else_is_refused_by_its_name(variable: str) -> None:
    asked = process("import config.settings", **{variable: "mysql://somebody@localhost/zusage"})

    assert f": {variable} must name PostgreSQL" in asked.stderr


def test_without_the_replica_everything_is_answered_by_the_primary(
    place: Place, known: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place.catch_up()
    before = place.numbers()

    place.standby.end()
    try:
        place.deliver_one_more()
        assert place.numbers() == {
            name: count + {"overview": 2, "segment": 2, "named of the segment": min(2, 10 - count)}.get(name, 1)
            for name, count in before.items()
        }
        assert f"{before['overview'] + 2} delivered" in place.page()
        assert "database" not in httpx.get(f"{place.address}/readyz", timeout=60).json()["reasons"]
        with tenant_scope(place.bakery.tenant):
            for _ in range(2):
                with report_scope(place.bakery.tenant):
                    assert reading().alias == "default"
    finally:
        place.standby.start()
    # Left alone for half a minute and told of once; then it is asked again.
    place.catch_up()
    assert caplog.text.count("from the primary for 30 s") == 1
    with tenant_scope(place.bakery.tenant):
        with report_scope(place.bakery.tenant):
            assert reading().alias == "default"
        monkeypatch.setattr(replica, "_away_until", 0.0)
        with report_scope(place.bakery.tenant):
            assert reading().settings_dict is known
