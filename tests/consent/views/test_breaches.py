"""Breaches of data protection in the dashboard: noted, counted, closed, and whom to inform (Art. 33 and 34 GDPR)."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from consent import tasks
from consent.models import Breach
from contacts.models import Contact
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests.consent.factories import person
from tests.consent.views.pages import as_role, shown

URL = "/bakery/processing/"


def breach(**fields: str) -> dict[str, str]:
    """What the form sends of a lost laptop."""
    known = timezone.localtime() - timedelta(hours=1)
    return {
        "known_at": f"{known:%Y-%m-%dT%H:%M}",
        "what": "Laptop im Zug verloren",
        "data": "Namen und Nummern der Stammkunden",
        "is_risk": "on",
        **fields,
    }


def changed(client: Client, at: str, **fields: str) -> Any:
    """What the form of a breach sends, as it stands on the page now."""
    version = client.get(at).context["form"].initial["version"]
    return client.post(at, breach(**{"version": str(version), **fields}))


def closed(client: Client, at: str) -> str:
    return client.post(f"{at}close/", {"confirmed": "1"}, follow=True).content.decode()


def test_cg_52_a_breach_is_noted_and_its_72_hours_are_counted(alice: Client, bakery: Tenant) -> None:
    assert alice.post(f"{URL}breaches/new/", breach()).status_code == 302

    assert "to be reported" in shown(alice, URL)
    with tenant_scope(bakery):
        found = Breach.objects.get()
        assert found.due_at - found.known_at == timedelta(hours=72)
        Breach.objects.update(known_at=timezone.now() - timedelta(hours=73))
    assert "report overdue" in shown(alice, URL)


def test_breaches_of_one_minute_stand_in_the_order_of_their_entry(alice: Client, bakery: Tenant) -> None:
    known_at = f"{timezone.localtime() - timedelta(hours=1):%Y-%m-%dT%H:%M}"
    for what in ("Erster", "Zweiter", "Dritter"):
        alice.post(f"{URL}breaches/new/", breach(known_at=known_at, what=what))

    page = shown(alice, URL)

    assert page.index("Dritter") < page.index("Zweiter") < page.index("Erster")


@pytest.mark.parametrize(
    ("field", "value"),
    [("known_at", "2099-01-01T12:00"), ("ended_on", "2020-01-01")],
)
def test_days_that_cannot_be_are_refused(alice: Client, field: str, value: str) -> None:
    answer = alice.post(f"{URL}breaches/new/", breach(began_on="2026-01-01", **{field: value}))

    assert answer.status_code == 422
    assert field in answer.context["form"].errors


def test_a_breach_that_is_a_risk_is_not_closed_before_somebody_was_told_or_a_reason_stands(
    alice: Client, bakery: Tenant
) -> None:
    alice.post(f"{URL}breaches/new/", breach())
    with tenant_scope(bakery):
        found = Breach.objects.get()
    at = f"{URL}breaches/{found.uid}/"

    late = timezone.localtime() + timedelta(hours=72)
    changed(alice, at, authority_told_at=f"{late:%Y-%m-%dT%H:%M}")
    assert "Say why the authority was not notified" in closed(alice, at)
    changed(alice, at)
    assert "Say why the authority was not notified" in closed(alice, at)
    changed(alice, at, why_not="Die Platte ist verschlüsselt, ein Risiko besteht nicht.")
    assert "Closed." in closed(alice, at)

    with tenant_scope(bakery):
        assert Breach.objects.get().closed_at is not None
    assert "This breach is closed." in changed(alice, at, what="Anders").content.decode()


def test_a_breach_is_closed_only_after_a_question_that_works_without_scripts(alice: Client, bakery: Tenant) -> None:
    alice.post(f"{URL}breaches/new/", breach(is_risk=""))
    with tenant_scope(bakery):
        at = f"{URL}breaches/{Breach.objects.get().uid}/"
    assert 'data-confirm-yes="Close for good"' in shown(alice, at)

    asked = alice.post(f"{at}close/").content.decode()

    assert "nobody can change it any more" in asked
    with tenant_scope(bakery):
        assert Breach.objects.get().closed_at is None
    assert "Closed." in closed(alice, at)


def test_two_who_edit_a_breach_at_once_do_not_overwrite_each_other(alice: Client, bakery: Tenant) -> None:
    alice.post(f"{URL}breaches/new/", breach())
    with tenant_scope(bakery):
        at = f"{URL}breaches/{Breach.objects.get().uid}/"
    bob = Client(headers={"Accept-Language": "en"})
    bob.cookies = alice.cookies
    both_saw = str(alice.get(at).context["form"].initial["version"])
    assert bob.post(at, breach(version=both_saw, measures="Gesperrt von Bob")).status_code == 302

    refused = alice.post(at, breach(version=both_saw, effects="Werbung von Fremden"))

    assert refused.status_code == 422
    page = refused.content.decode()
    assert "Somebody else has changed this breach meanwhile" in page
    assert "Saved meanwhile: Gesperrt von Bob" in page
    assert "Werbung von Fremden" in page
    with tenant_scope(bakery):
        assert (Breach.objects.get().measures, Breach.objects.get().effects) == ("Gesperrt von Bob", "")

    now_seen = str(refused.context["form"]["version"].value())
    both = breach(version=now_seen, measures="Gesperrt von Bob", effects="Werbung von Fremden")
    assert alice.post(at, both).status_code == 302
    # A second click sends the same once more, from the page before.
    assert alice.post(at, both).status_code == 302
    with tenant_scope(bakery):
        assert Breach.objects.get().effects == "Werbung von Fremden"


def test_whom_to_inform_is_taken_as_a_list_of_those_known_till_its_end(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        person(bakery, first_name="Anna", phone="+493023125001")
        Contact.objects.update(created_at=timezone.now() - timedelta(days=30))
        person(bakery, first_name="Bert", phone="+493023125002")
    last_week = (timezone.localdate() - timedelta(days=7)).isoformat()
    alice.post(f"{URL}breaches/new/", breach(ended_on=last_week))
    with tenant_scope(bakery):
        found = Breach.objects.get()

    answer = alice.get(f"{URL}breaches/{found.uid}/people.csv")

    lines = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "Anna" in lines
    assert "+493023125001" in lines
    assert "Bert" not in lines
    with tenant_scope(bakery):
        assert AuditEvent.objects.filter(verb="breach.people_taken").count() == 1


def test_the_days_of_that_list_are_the_company_s_own(alice: Client, bakery: Tenant) -> None:
    Tenant.objects.update(timezone="Pacific/Auckland")
    zone = ZoneInfo("Pacific/Auckland")
    day = timezone.localdate(timezone=zone) - timedelta(days=7)
    midnight = datetime.combine(day + timedelta(days=1), time(), zone)
    with tenant_scope(bakery):
        for name, at in (("Anna", midnight - timedelta(hours=1)), ("Bert", midnight + timedelta(hours=1))):
            Contact.objects.filter(pk=person(bakery, first_name=name).pk).update(created_at=at)
    alice.post(f"{URL}breaches/new/", breach(ended_on=day.isoformat()))
    with tenant_scope(bakery):
        found = Breach.objects.get()

    answer = alice.get(f"{URL}breaches/{found.uid}/people.csv")

    lines = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "Bert" not in lines
    [anna] = [line for line in lines.splitlines() if "Anna" in line]
    assert day.isoformat() in anna


def test_a_breach_that_staff_enter_is_told_to_the_company(
    staff: Client, bakery_made: NewTenant, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    known = timezone.localtime()
    values = {
        "tenant": str(bakery_made.tenant.pk),
        "known_at_0": f"{known:%Y-%m-%d}",
        "known_at_1": f"{known:%H:%M}",
        "what": "Eine Sicherung lag offen",
        "data": "Kontakte",
        "is_risk": "on",
    }
    with django_capture_on_commit_callbacks() as bells:
        answer = staff.post("/admin/consent/breach/add/", values)
    assert any("tell_companies" in str(bell) for bell in bells)
    assert answer.status_code == 302, answer.content.decode()

    tasks.tell_companies()
    tasks.tell_companies()

    [letter] = mail.outbox
    assert letter.to == ["alice@example.com"]
    assert "Eine Sicherung lag offen" in letter.body


def test_an_agent_may_note_a_breach_and_an_analyst_sees_none_of_it(alice: Client, bakery_made: NewTenant) -> None:
    as_role(bakery_made, Role.AGENT)
    assert alice.get(f"{URL}breaches/new/").status_code == 200

    as_role(bakery_made, Role.ANALYST)
    assert alice.get(URL).status_code == 403
