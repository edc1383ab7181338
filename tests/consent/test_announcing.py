"""What the operator owes companies by mail is told once, however often rings are lost, repeated or in vain."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone, translation
from django.utils.timezone import localdate, now
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from consent import agreements, announcing, tasks
from consent.actions import agreements as actions
from consent.actions import requests as actions_of_requests
from consent.models import Announcement, Breach, DataRequest, SubProcessor
from tenants.actions import create_tenant
from tenants.models import AuditEvent, Membership, Tenant
from tenants.scope import across_tenants, tenant_scope
from tenants.templatetags.formats import moment
from tests.consent.factories import person

CONSOLE = "django.core.mail.backends.console.EmailBackend"
LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture(autouse=True)
def _german() -> Iterator[None]:
    """As in a worker, whatever a page has been read in before."""
    with translation.override("de"):
        yield


def processor(**fields: Any) -> SubProcessor:
    values = {"name": "Rechenzentrum Nord GmbH", "address": "Hafen 2, Hamburg", "country": "DE", "purpose": "Server"}
    return SubProcessor.objects.create(**{**values, "active_from": localdate() + timedelta(days=40), **fields})


def announced(**fields: Any) -> SubProcessor:
    found = processor(**fields)
    actions.announce(found)
    return found


def breach(tenant: Tenant, *, hours: float, **fields: Any) -> Breach:
    """A breach that the company has known of for so many hours."""
    values = {"what": "Laptop im Zug verloren", "data": "Stammkunden", "known_at": now() - timedelta(hours=hours)}
    with tenant_scope(tenant):
        return Breach.objects.create(tenant=tenant, **{**values, **fields})


def row(tenant: Tenant) -> Announcement:
    with tenant_scope(tenant):
        return Announcement.objects.get()


def an_hour_later() -> None:
    with across_tenants("time passes for everybody"):
        Announcement.objects.update(next_attempt_at=now() - timedelta(seconds=1))


def addressees() -> list[str]:
    return sorted(to for letter in mail.outbox for to in letter.to)


def test_a_new_sub_processor_is_announced_to_every_company(bakery: Tenant, shop: Tenant) -> None:
    """Once, although no ring arrives: beat alone has to find it."""
    found = processor()

    actions.announce(found)
    actions.announce(found)
    tasks.tell_companies()
    tasks.tell_companies()

    assert addressees() == ["alice@example.com", "carol@example.com"]
    assert "Rechenzentrum Nord GmbH, Hafen 2, Hamburg (DE)" in mail.outbox[0].body
    assert row(bakery).told_at is not None
    with tenant_scope(bakery):
        assert AuditEvent.objects.filter(verb="subprocessor.announced").count() == 1


def test_without_a_mail_server_nothing_counts_as_told_and_it_is_told_once_there_is_one(
    bakery: Tenant, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = CONSOLE
    announced()
    tasks.tell_companies()
    assert "example.com" not in "".join(capfd.readouterr())
    assert (row(bakery).told_at, row(bakery).attempts) == (None, 0)

    settings.EMAIL_BACKEND = LOCMEM
    tasks.tell_companies()

    assert addressees() == ["alice@example.com"]
    assert row(bakery).told_at


def test_a_ring_brings_the_mail_without_waiting_for_beat(
    bakery: Tenant, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks() as bells:
        announced()

    assert [bell for bell in bells if "tell_companies" in str(bell)]


@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_time_tell_each_company_once(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        owner = Membership.objects.get().user
    for number in range(8):
        with tenant_scope(other := Tenant.objects.create(slug=f"filiale-{number}", name="Filiale")):
            Membership.objects.create(tenant=other, user=owner, role="owner")
    announced()
    start = Barrier(4)

    def worker() -> None:
        start.wait(10)
        tasks.tell_companies()
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: worker(), range(4)))

    assert len(mail.outbox) == 9
    with across_tenants("all companies of the test"):
        assert Announcement.objects.filter(told_at=None).count() == 0


def test_while_no_mail_can_be_sent_it_waits_longer_each_time_and_is_sent_afterwards(
    bakery: Tenant, settings: Settings
) -> None:
    # A port that nobody listens on.
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", 1
    announced()
    pauses = []
    for _ in range(9):
        an_hour_later()
        tasks.tell_companies()
        # Not due yet.
        tasks.tell_companies()
        pauses.append(round((row(bakery).next_attempt_at - now()).total_seconds() / 60))

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    waiting = row(bakery)
    assert (waiting.attempts, waiting.error, waiting.told_at) == (9, "ConnectionRefusedError", None)

    settings.EMAIL_BACKEND = LOCMEM
    an_hour_later()
    tasks.tell_companies()

    assert addressees() == ["alice@example.com"]
    assert row(bakery).error == ""


def test_a_worker_that_dies_in_the_middle_is_followed_by_another_after_its_lease(
    bakery: Tenant, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Dies"
    announced()

    with pytest.raises(KeyboardInterrupt):
        tasks.tell_companies()
    settings.EMAIL_BACKEND = LOCMEM
    tasks.tell_companies()
    assert mail.outbox == []
    assert timedelta(minutes=9) < row(bakery).next_attempt_at - now() < timedelta(minutes=11)

    an_hour_later()
    tasks.tell_companies()
    assert addressees() == ["alice@example.com"]


class Dies:
    """A mail server during whose answer the worker is killed."""

    def __init__(self, *_: object, **__: object) -> None:
        """Takes what every backend takes."""

    def send_messages(self, _messages: object) -> int:
        raise KeyboardInterrupt


def test_a_company_with_nobody_to_write_to_stays_due_and_says_why(bakery: Tenant, shop: Tenant) -> None:
    with tenant_scope(bakery):
        Membership.objects.update(role="agent")
    announced()

    tasks.tell_companies()

    assert addressees() == ["carol@example.com"]
    assert (row(bakery).told_at, row(bakery).error) == (None, "NobodyToWriteTo")


def test_a_company_that_joins_before_the_first_day_reads_of_it_in_its_contract(bakery: Tenant) -> None:
    announced()

    cafe = create_tenant(slug="cafe", name="Café", owner_email="dora@example.com").tenant
    tasks.tell_companies()

    with tenant_scope(cafe):
        assert "Rechenzentrum Nord GmbH" in agreements.text(cafe, "de")
    assert addressees() == ["alice@example.com"]


def test_a_company_that_was_switched_off_is_told_when_it_comes_back(bakery: Tenant) -> None:
    Tenant.objects.update(is_active=False)
    announced()
    tasks.tell_companies()
    assert mail.outbox == []

    Tenant.objects.update(is_active=True)
    tasks.tell_companies()

    assert addressees() == ["alice@example.com"]


def test_staff_see_whom_something_was_told_and_change_nothing(staff: Client, bakery: Tenant) -> None:
    announced()
    tasks.tell_companies()

    page = staff.get("/admin/consent/announcement/").content.decode()
    assert "Rechenzentrum Nord GmbH" in page
    assert "Bäckerei Sonne" in page
    assert "Rechenzentrum" not in staff.get("/admin/consent/announcement/?told_at__isempty=1").content.decode()
    assert staff.get("/admin/consent/announcement/add/").status_code == 403


def test_less_than_thirty_days_ahead_nothing_is_announced_and_the_database_agrees(bakery: Tenant) -> None:
    soon = processor(active_from=localdate() + timedelta(days=28))

    with pytest.raises(ValidationError):
        actions.announce(soon)
    with pytest.raises(IntegrityError, match="at least 30 days"), transaction.atomic():
        SubProcessor.objects.filter(pk=soon.pk).update(announced_at=now())
    tasks.tell_companies()
    assert mail.outbox == []


def test_what_was_announced_may_be_corrected_but_not_begin_sooner(bakery: Tenant) -> None:
    found = announced()
    stored = SubProcessor.objects.filter(pk=found.pk)

    stored.update(announced_at=now() - timedelta(days=100), active_from=localdate() - timedelta(days=60))
    stored.update(address="Hafen 3, Hamburg")
    stored.get().full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        stored.update(active_from=localdate() - timedelta(days=90))


def test_before_the_first_company_nobody_has_to_be_told(db: None) -> None:
    found = announced(active_from=localdate())

    cafe = create_tenant(slug="cafe", name="Café", owner_email="dora@example.com").tenant
    with tenant_scope(cafe):
        assert "Rechenzentrum Nord GmbH" in agreements.text(cafe, "de")

    found.ended_on = localdate()
    # Every column, as the admin's form does.
    found.save()
    assert SubProcessor.objects.get().ended_on == localdate()


@pytest.mark.parametrize(
    ("hours", "fields", "letters"),
    [
        (47, {}, 0),
        (49, {}, 1),
        (49, {"is_risk": False}, 0),
        (49, {"is_risk": False, "is_high_risk": True}, 1),
        (49, {"authority_told_at": now()}, 0),
        (49, {"closed_at": now()}, 0),
    ],
)
def test_owners_are_reminded_once_when_a_day_of_the_72_hours_is_left_and_the_authority_is_not_told(
    bakery: Tenant, shop: Tenant, hours: float, fields: dict[str, Any], letters: int
) -> None:
    found = breach(bakery, hours=hours, **fields)

    tasks.tell_companies()
    tasks.tell_companies()

    assert addressees() == ["alice@example.com"] * letters
    for letter in mail.outbox:
        assert f"/bakery/processing/breaches/{found.uid}/" in letter.body
        # What happened stays in the register.
        assert "Laptop" not in letter.body


def test_nobody_is_reminded_of_what_was_reported_while_the_mail_waited(bakery: Tenant, settings: Settings) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", 1
    breach(bakery, hours=50)
    tasks.tell_companies()
    assert row(bakery).error == "ConnectionRefusedError"

    settings.EMAIL_BACKEND = LOCMEM
    with tenant_scope(bakery):
        Breach.objects.update(authority_told_at=now())
    an_hour_later()
    tasks.tell_companies()

    assert mail.outbox == []
    with tenant_scope(bakery):
        assert Announcement.objects.count() == 0


# A fault of ours that shows while one kind of mail is written down.
REFUSE = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.kind = TG_ARGV[0] THEN RAISE 'a fault of ours'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON consent_announcement FOR EACH ROW EXECUTE FUNCTION refuse(%s)
"""


class Stumbles(EmailBackend):
    """A mail server whose library has a fault at Alice's address."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        if "alice@example.com" in messages[0].to:
            raise ValueError
        return super().send_messages(messages)


def test_a_mail_that_a_fault_holds_up_holds_up_no_other(bakery: Tenant, shop: Tenant, settings: Settings) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Stumbles"
    announced()

    with pytest.raises(ExceptionGroup):
        tasks.tell_companies()

    assert addressees() == ["carol@example.com"]
    assert (row(bakery).told_at, row(bakery).error) == (None, "ValueError")


@pytest.mark.parametrize("broken", ["due", "nearing", "late"])
def test_a_reminder_that_cannot_be_written_stops_neither_the_others_nor_what_waits(bakery: Tenant, broken: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(REFUSE, [broken])
    with tenant_scope(bakery):
        actions_of_requests.take(tenant=bakery, contact=person(bakery), kind="access", by=None)
        DataRequest.objects.update(due_date=localdate() + timedelta(days=2))
        past = actions_of_requests.take(tenant=bakery, contact=person(bakery), kind="access", by=None)
        DataRequest.objects.filter(pk=past.pk).update(due_date=localdate() - timedelta(days=2))
        announcing.of_breach(breach(bakery, hours=1, is_risk=False))
    breach(bakery, hours=49)

    with pytest.raises(ExceptionGroup):
        tasks.tell_companies()

    with tenant_scope(bakery):
        told = set(Announcement.objects.exclude(told_at=None).values_list("kind", flat=True))
    assert told == {"breach", "due", "nearing", "late"} - {broken}


def test_what_only_the_next_release_can_tell_waits_for_its_workers(bakery: Tenant) -> None:
    """During a deploy its rows are there, while workers of this one still run; this one sorts before all others."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE consent_announcement DROP CONSTRAINT announcement_is_of_one_thing")
    with tenant_scope(bakery):
        new = Announcement.objects.create(tenant=bakery, kind="audit")
    announced()

    tasks.tell_companies()

    assert addressees() == ["alice@example.com"]
    with tenant_scope(bakery):
        new.refresh_from_db()
    assert (new.told_at, new.attempts) == (None, 0)


def test_a_mail_tells_times_in_the_company_s_own_zone(bakery: Tenant) -> None:
    Tenant.objects.update(timezone="Pacific/Auckland")
    found = breach(bakery, hours=49)

    tasks.tell_companies()

    with timezone.override("Pacific/Auckland"):
        assert moment(found.due_at) in mail.outbox[0].body
