"""Recording a no that somebody told the team: any way counts, and at once."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from consent.models import ConsentEvent
from consent.queries import may_send
from contacts.models import Contact
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests.consent.factories import agree, person
from tests.consent.views.pages import as_role, shown


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    with tenant_scope(bakery):
        anna = person(bakery, first_name="Anna")
        agree(bakery, anna, pairs=[("whatsapp", "marketing"), ("email", "marketing")])
        return anna


def at(contact: Contact) -> str:
    return f"/bakery/contacts/{contact.uid}/withdraw/"


def told(**fields: str) -> dict[str, str]:
    """What the form sends: on the phone, today, no more advertising on WhatsApp."""
    today = timezone.localdate().isoformat()
    return {"uid": str(uuid4()), "scope": "whatsapp", "way": "phone", "said_on": today, **fields}


def reason(contact: Contact, channel: str = "whatsapp") -> str:
    with tenant_scope(contact.tenant_id):
        return may_send(contact=contact, channel=channel, purpose="marketing").reason


@pytest.mark.parametrize(
    ("scope", "whatsapp", "email"),
    [("whatsapp", "withdrawn", ""), ("all", "withdrawn", "withdrawn"), ("objection", "objected", "objected")],
)
def test_cg_21_what_the_team_was_told_ends_advertising_at_once(
    alice: Client, anna: Contact, scope: str, whatsapp: str, email: str
) -> None:
    answer = alice.post(at(anna), told(scope=scope), follow=True)

    assert "No more advertising is sent to this person." in answer.content.decode()
    assert (reason(anna), reason(anna, "email")) == (whatsapp, email)
    with tenant_scope(anna.tenant_id):
        said = ConsentEvent.objects.latest("seq")
        assert (said.source, said.authority) == ("agent", 1)
        assert AuditEvent.objects.filter(verb__startswith="consent.", object_uid=str(anna.uid)).exists()


def test_how_it_was_said_stands_in_the_proof(alice: Client, anna: Contact) -> None:
    alice.post(at(anna), told(way="letter", note="Liegt im Ordner Widerrufe"))

    proof = " ".join(alice.post(f"/bakery/contacts/{anna.uid}/proof/").content.decode().split())

    assert "By letter" in proof
    assert "Liegt im Ordner Widerrufe" in proof


def test_sent_twice_it_is_recorded_once(alice: Client, anna: Contact) -> None:
    said = told()

    alice.post(at(anna), said)
    alice.post(at(anna), said)

    with tenant_scope(anna.tenant_id):
        assert ConsentEvent.objects.filter(state="withdrawn", purpose="marketing").count() == 1


def test_a_no_older_than_the_persons_own_yes_is_recorded_and_ends_nothing(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        bert = person(bakery)
        agree(bakery, bert, occurred_at=timezone.now())
    last_week = (timezone.localdate() - timedelta(days=7)).isoformat()

    answer = alice.post(at(bert), told(said_on=last_week), follow=True)

    assert "agreed again after that day" in answer.content.decode()
    assert reason(bert) == ""


def test_a_no_of_an_earlier_day_ends_a_yes_of_the_same_day(alice: Client, bakery: Tenant) -> None:
    yesterday = timezone.localtime() - timedelta(days=1)
    with tenant_scope(bakery):
        bert = person(bakery)
        agree(bakery, bert, occurred_at=yesterday.replace(hour=14, minute=0))

    alice.post(at(bert), told(said_on=yesterday.date().isoformat()))

    assert reason(bert) == "withdrawn"


def test_a_day_to_come_is_refused_at_its_field(alice: Client, anna: Contact) -> None:
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()

    answer = alice.post(at(anna), told(said_on=tomorrow))

    assert answer.status_code == 422
    assert "This lies in the future." in answer.content.decode()
    assert reason(anna) == ""


@pytest.mark.parametrize(("role", "may"), [(Role.AGENT, True), (Role.LEGAL, True), (Role.ANALYST, False)])
def test_agents_may_record_it_and_analysts_may_not(
    alice: Client, bakery_made: NewTenant, anna: Contact, role: Role, may: bool
) -> None:
    as_role(bakery_made, role)

    assert ("Record a withdrawal" in shown(alice, f"/bakery/contacts/{anna.uid}/")) is may
    assert alice.post(at(anna), told()).status_code == (302 if may else 403)
    assert (reason(anna) == "withdrawn") is may
