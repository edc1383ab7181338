"""The page “Contract and records”: concluding the contract, the record of Art. 30, and the register of breaches."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from consent import tasks
from consent.models import Agreement, Breach, Controller, Disposal
from contacts.models import Contact
from tenants.actions import NewTenant, create_tenant
from tenants.models import AuditEvent, Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests.consent.factories import person, published
from tests.consent.views.pages import as_role, shown

URL = "/bakery/processing/"


@pytest.fixture
def dora(client: Client, db: None) -> Client:
    """The owner of a company that has not concluded anything."""
    client.force_login(create_tenant(slug="cafe", name="Café", owner_email="dora@example.com").owner)
    client.cookies["django_language"] = "en"
    return client


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


def test_the_contract_is_read_and_concluded_in_the_dashboard(dora: Client) -> None:
    assert "to be concluded" in shown(dora, "/cafe/processing/")
    assert "Data processing agreement" in shown(dora, "/cafe/processing/agreement/")

    said = {"signer": "Dora Nord", "position": "Managing director", "is_entitled": "on"}
    page = dora.post("/cafe/processing/agreement/", said, follow=True).content.decode()

    assert "The contract is concluded." in page
    assert "Dora Nord, Managing director" in " ".join(page.split())
    with tenant_scope(Tenant.objects.get(slug="cafe")):
        uid = Agreement.objects.get().uid
    assert dora.get(f"/cafe/processing/agreement/{uid}.pdf").content.startswith(b"%PDF")


def test_without_the_tick_nothing_is_concluded(dora: Client) -> None:
    answer = dora.post("/cafe/processing/agreement/", {"signer": "Dora Nord", "position": "Managing director"})

    assert answer.status_code == 422
    assert "Without this the contract is not concluded." in answer.content.decode()
    with tenant_scope(Tenant.objects.get(slug="cafe")):
        assert Agreement.objects.count() == 0


def test_a_marketer_reads_it_and_cannot_conclude_it(dora: Client) -> None:
    with tenant_scope(Tenant.objects.get(slug="cafe")):
        Tenant.objects.get(slug="cafe").memberships.update(role=Role.MARKETER)

    assert "An owner or admin" in shown(dora, "/cafe/processing/agreement/")
    said = {"signer": "Dora", "position": "Marketing", "is_entitled": "on"}
    assert dora.post("/cafe/processing/agreement/", said).status_code == 403


def test_the_record_names_what_people_were_asked_for(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        Controller.objects.create(tenant=bakery, legal_name="Bäckerei Sonne GmbH", officer="Frau Dr. Schutz")
        published(bakery, covers=[["whatsapp", "marketing"], ["email", "marketing"]])

    page = shown(alice, f"{URL}record/")

    assert "Bäckerei Sonne GmbH" in page
    assert "Frau Dr. Schutz" in page
    assert "Marketing · WhatsApp" in page
    assert "Marketing · E-mail" in page
    assert "Profiling" not in page
    assert "WhatsApp Ireland" in page
    assert alice.get(f"{URL}record.pdf").content.startswith(b"%PDF")


def test_cg_52_a_breach_is_noted_and_its_72_hours_are_counted(alice: Client, bakery: Tenant) -> None:
    assert alice.post(f"{URL}breaches/new/", breach()).status_code == 302

    assert "to be reported" in shown(alice, URL)
    with tenant_scope(bakery):
        found = Breach.objects.get()
        assert found.due_at - found.known_at == timedelta(hours=72)
        Breach.objects.update(known_at=timezone.now() - timedelta(hours=73))
    assert "report overdue" in shown(alice, URL)


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
    alice.post(at, breach(authority_told_at=f"{late:%Y-%m-%dT%H:%M}"))
    assert "Say why the authority was not notified" in alice.post(f"{at}close/", follow=True).content.decode()
    alice.post(at, breach())
    assert "Say why the authority was not notified" in alice.post(f"{at}close/", follow=True).content.decode()
    alice.post(at, breach(why_not="Die Platte ist verschlüsselt, ein Risiko besteht nicht."))
    assert "Closed." in alice.post(f"{at}close/", follow=True).content.decode()

    with tenant_scope(bakery):
        assert Breach.objects.get().closed_at is not None
    assert "This breach is closed." in alice.post(at, breach(what="Anders")).content.decode()


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


def test_what_went_because_its_time_was_over_is_shown(alice: Client, bakery: Tenant) -> None:
    assert "Nothing. The rounds run every night." in shown(alice, URL)
    with tenant_scope(bakery):
        Disposal.objects.create(tenant=bakery, what="messages", count=1200)
        Disposal.objects.create(tenant=bakery, what="messages", count=34)

    assert "1,234" in shown(alice, URL)


def test_the_template_for_an_impact_assessment_names_the_company(alice: Client, bakery: Tenant) -> None:
    assert "Bäckerei Sonne" in alice.get(f"{URL}impact-assessment.txt").content.decode()


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
    assert any("tell_of_breach" in str(bell) for bell in bells)
    assert answer.status_code == 302, answer.content.decode()
    with tenant_scope(bakery_made.tenant):
        found = Breach.objects.get()

    tasks.tell_of_breach(tenant_id=found.tenant_id, breach_id=found.pk)

    [letter] = mail.outbox
    assert letter.to == ["alice@example.com"]
    assert "Eine Sicherung lag offen" in letter.body


def test_an_agent_may_note_a_breach_and_an_analyst_sees_none_of_it(alice: Client, bakery_made: NewTenant) -> None:
    as_role(bakery_made, Role.AGENT)
    assert alice.get(f"{URL}breaches/new/").status_code == 200

    as_role(bakery_made, Role.ANALYST)
    assert alice.get(URL).status_code == 403
