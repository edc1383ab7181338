"""Requests of people that come near their last day, or pass it, are told to the owners and seen by the operator."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test import Client
from django.utils import translation
from django.utils.timezone import localdate, now
from pytest_django import Settings

from consent import announcing, tasks
from consent.actions import requests as actions
from consent.models import Announcement, DataRequest
from tenants.models import AuditEvent, Tenant, User
from tenants.scope import across_tenants, tenant_scope
from tests.consent.factories import known, person

LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Whatever a page has been read in before."""
    with translation.override("en"):
        yield


def asked(tenant: Tenant, *, days_left: int, **fields: Any) -> DataRequest:
    """A request of Anna Muster that has to be answered in so many days."""
    with tenant_scope(tenant):
        anna = person(tenant, first_name="Anna", last_name="Muster")
        made = actions.take(tenant=tenant, contact=anna, kind="access", by=None, note="Brief von Anna Muster")
        DataRequest.objects.filter(pk=made.pk).update(due_date=localdate() + timedelta(days=days_left), **fields)
        made.refresh_from_db()
        return made


def days_pass(tenant: Tenant, days: int) -> None:
    """What was told stays told of the same last day, which has come nearer."""
    with tenant_scope(tenant):
        for request in DataRequest.objects.all():
            later = {
                name: value - timedelta(days=days)
                for name in ("due_date", "told_near", "told_late")
                if (value := getattr(request, name))
            }
            DataRequest.objects.filter(pk=request.pk).update(**later)


@pytest.mark.parametrize(
    ("days_left", "subject"),
    [
        (8, None),
        (7, "Data requests: to be answered by"),
        (0, "Data requests: to be answered by"),
        (-1, "Data requests: the time to answer is over"),
    ],
)
def test_cg_44_owners_are_told_of_a_request_that_is_due_within_a_week_and_of_one_that_is_overdue(
    bakery: Tenant, shop: Tenant, days_left: int, subject: str | None
) -> None:
    asked(bakery, days_left=days_left)

    tasks.tell_companies()
    tasks.tell_companies()

    assert len(mail.outbox) == (1 if subject else 0)
    for letter in mail.outbox:
        assert letter.to == ["alice@example.com"]
        assert letter.subject.startswith(str(subject))
        assert "/bakery/data-requests/" in letter.body


def test_a_request_is_told_of_once_while_it_is_near_and_once_when_its_day_has_passed(bakery: Tenant) -> None:
    asked(bakery, days_left=9)

    told = []
    for _day in range(14):
        tasks.tell_companies()
        told.append(len(mail.outbox))
        days_pass(bakery, 1)

    assert told == [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]


def test_one_mail_tells_of_all_of_them_and_names_nobody(bakery: Tenant) -> None:
    for days_left in (3, 5, -2, -4, -6):
        asked(bakery, days_left=days_left)

    tasks.tell_companies()

    late, near = sorted(mail.outbox, key=lambda letter: "is over" not in letter.subject)
    assert len(mail.outbox) == 2
    assert "3 requests" in late.body
    assert "2 requests" in near.body
    for letter in mail.outbox:
        for personal in ("Anna", "Muster", "+49", "Access"):
            assert personal not in letter.subject + letter.body
    with tenant_scope(bakery):
        verbs = AuditEvent.objects.filter(verb__in=["data_request.reminded", "data_request.late_told"])
        assert verbs.count() == 2


def test_a_deadline_that_was_extended_is_reminded_of_anew(bakery: Tenant) -> None:
    request = asked(bakery, days_left=5)
    tasks.tell_companies()
    with tenant_scope(bakery):
        actions.extend(request=request, because="Sehr viele Anfragen", by=None)
    tasks.tell_companies()
    assert len(mail.outbox) == 1

    days_pass(bakery, 88)
    tasks.tell_companies()

    assert len(mail.outbox) == 2


@pytest.mark.parametrize("is_refused", [True, False])
def test_what_was_answered_while_the_mail_waited_is_not_told(
    bakery: Tenant, settings: Settings, is_refused: bool
) -> None:
    request = asked(bakery, days_left=-1)
    # A port that nobody listens on.
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", 1
    tasks.tell_companies()
    with tenant_scope(bakery):
        waiting = Announcement.objects.get()
        assert (waiting.error, waiting.told_at) == ("ConnectionRefusedError", None)
        if is_refused:
            actions.close(request=request, answer="Abgelehnt; Sie können sich beschweren.", by=None, is_refused=True)
        else:
            DataRequest.objects.update(state="done", done_at=now())
        Announcement.objects.update(next_attempt_at=now())

    settings.EMAIL_BACKEND = LOCMEM
    tasks.tell_companies()

    assert mail.outbox == []
    with tenant_scope(bakery):
        assert not Announcement.objects.exists()


def test_after_a_time_without_mail_it_is_told_late_and_not_lost(bakery: Tenant, settings: Settings) -> None:
    asked(bakery, days_left=2)
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", 1
    tasks.tell_companies()
    # Comes near while the first mail waits.
    asked(bakery, days_left=4)
    tasks.tell_companies()

    settings.EMAIL_BACKEND = LOCMEM
    with tenant_scope(bakery):
        Announcement.objects.update(next_attempt_at=now())
    tasks.tell_companies()
    tasks.tell_companies()

    assert len(mail.outbox) == 1
    assert "2 requests" in mail.outbox[0].body


def test_what_is_not_near_yet_is_told_of_in_its_own_time(bakery: Tenant) -> None:
    for days_left in (5, 9):
        asked(bakery, days_left=days_left)
    tasks.tell_companies()
    assert "1 request " in mail.outbox[0].body

    days_pass(bakery, 3)
    tasks.tell_companies()

    assert len(mail.outbox) == 2


class Meanwhile(EmailBackend):
    """While the first mail goes out another request comes near, and beat looks."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        if not mail.outbox:
            asked(Tenant.objects.get(slug="bakery"), days_left=4)
            announcing.remind()
        return super().send_messages(messages)


def test_what_comes_near_while_a_mail_goes_out_is_told_by_the_next(bakery: Tenant, settings: Settings) -> None:
    asked(bakery, days_left=2)
    settings.EMAIL_BACKEND = f"{__name__}.{Meanwhile.__name__}"

    for _beat in range(2):
        tasks.tell_companies()

    assert [letter.body.partition(" request")[0][-1] for letter in mail.outbox] == ["1", "2"]


def test_a_company_that_is_switched_off_is_not_told(bakery: Tenant) -> None:
    asked(bakery, days_left=-1)
    Tenant.objects.update(is_active=False)

    tasks.tell_companies()

    assert mail.outbox == []
    # Nor is it a matter of the operator's.
    assert announcing.overdue(most=2) == 0


def test_an_owner_who_may_not_log_in_any_more_is_not_told(bakery: Tenant) -> None:
    asked(bakery, days_left=-1)
    User.objects.update(is_active=False)
    with tenant_scope(bakery):
        known(bakery)

    tasks.tell_companies()

    assert [letter.to for letter in mail.outbox] == [["daten@sonne.example"]]


def test_the_day_is_that_of_the_company(bakery: Tenant) -> None:
    """On the last day there, and not when it is over in Berlin."""
    Tenant.objects.update(timezone="Pacific/Pago_Pago")
    bakery.refresh_from_db()
    asked(bakery, days_left=-1)
    with tenant_scope(bakery):
        DataRequest.objects.update(due_date=date(2027, 3, 19))

    # Whatever the hour of the test: in Berlin it is the 20th already, there still the 19th.
    with time_machine.travel(datetime(2027, 3, 20, 6, tzinfo=UTC)):
        tasks.tell_companies()

    [letter] = mail.outbox
    assert "is over" not in letter.subject


@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_time_write_one_mail_of_all(bakery: Tenant) -> None:
    for _request in range(5):
        asked(bakery, days_left=-1)
    start = Barrier(4)

    def worker() -> None:
        start.wait(10)
        tasks.tell_companies()
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: worker(), range(4)))

    assert len(mail.outbox) == 1
    # A thread speaks its own language.
    assert " 5 " in mail.outbox[0].body
    with across_tenants("all companies of the test"):
        assert Announcement.objects.filter(told_at=None).count() == 0


def test_the_operator_sees_how_many_are_overdue(client: Client, bakery: Tenant, shop: Tenant) -> None:
    for tenant, days_left in ((bakery, -1), (bakery, -9), (shop, -2), (shop, 0)):
        asked(tenant, days_left=days_left)
    for over in ("done", "refused"):
        asked(bakery, days_left=-3, state=over, done_at=now())

    assert "zusage_data_requests_overdue 3" in client.get("/metrics").content.decode()
    assert announcing.overdue(most=2) == 2
