"""Blocking a number or an address that may belong to nobody we know: no contact comes of it, and nothing is told."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from consent.models import ConsentEvent, Suppression
from consent.queries import may_send
from contacts.models import Contact
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests.consent.factories import agree, person
from tests.consent.imports import done
from tests.consent.test_imports_consent import PROVEN
from tests.consent.views.pages import as_role, shown
from tests.contacts.calls import Caller

URL = "/bakery/contacts/block/"
PHONE = "+4915123456780"
Block = Callable[..., None]


@pytest.fixture(params=["screen", "api"])
def block(request: pytest.FixtureRequest, bakery_made: NewTenant, alice: Client) -> Block:
    """Blocks through the dashboard, then through the API."""
    program = Caller(bakery_made.api_key)

    def by_screen(**named: str) -> None:
        answer = alice.post(URL, told(**named), follow=True)
        assert "Blocked. No advertising goes there until the person asks for it themselves." in answer.content.decode()

    def by_api(**named: str) -> None:
        answer = program.post("suppressions/", told(**named))
        assert (answer.status_code, answer.json()) == (201, {"blocked": True})

    return by_screen if request.param == "screen" else by_api


def told(**fields: str) -> dict[str, str]:
    return {"reason": "wish", "way": "letter", "note": "Ordner 3", **fields}


def reason(contact: Contact, channel: str = "whatsapp") -> str:
    with tenant_scope(contact.tenant_id):
        return may_send(contact=contact, channel=channel, purpose="marketing").reason


def test_cg_21_the_no_of_somebody_who_is_no_contact_makes_none_and_outlasts_an_import(
    block: Block, bakery: Tenant
) -> None:
    for _again in range(2):
        block(phone="0151 23456780")

    with tenant_scope(bakery):
        assert not Contact.objects.exists()
        assert Suppression.objects.count() == ConsentEvent.objects.count() == 1
    done(bakery, PROVEN)
    with tenant_scope(bakery):
        assert reason(Contact.objects.get(phone=PHONE)) == "suppressed"


def test_somebody_who_is_a_contact_is_out_on_every_channel_and_the_answer_is_the_same(
    block: Block, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        anna = person(bakery, phone=PHONE, email="anna@example.com")
        agree(bakery, anna, pairs=[("whatsapp", "marketing"), ("email", "marketing")])

    block(email="Anna@Example.com")

    assert (reason(anna), reason(anna, "email")) == ("suppressed", "suppressed")


def test_a_shared_address_is_blocked_for_all_who_have_it(block: Block, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        family = [person(bakery, phone=f"+491512345678{n}", email="familie@example.com") for n in (1, 2)]
        for one in family:
            agree(bakery, one)

    block(email="familie@example.com")

    assert [reason(one) for one in family] == ["suppressed", "suppressed"]


def test_the_trail_says_who_blocked_and_why_and_never_the_number(block: Block, bakery: Tenant) -> None:
    block(phone=PHONE)

    with tenant_scope(bakery):
        [said] = AuditEvent.objects.filter(verb="consent.blocked")
        assert said.changes == {"reason": "wish", "way": "letter"}
        assert said.user_id or said.api_key_id
        assert PHONE[3:] not in str(list(AuditEvent.objects.values()) + list(ConsentEvent.objects.values()))


def test_who_was_opened_again_by_themselves_can_be_blocked_again(block: Block, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna = person(bakery, phone=PHONE)
    block(phone=PHONE)
    with tenant_scope(bakery):
        agree(bakery, anna, occurred_at=timezone.now())
    assert reason(anna) == ""

    block(phone=PHONE)

    assert reason(anna) == "suppressed"


@pytest.mark.parametrize(
    ("fields", "at", "words"),
    [
        ({}, "phone", "Enter a phone number or an e-mail address."),
        ({"phone": "12"}, "phone", "This is not a valid phone number."),
        ({"email": "anna"}, "email", "This is not an e-mail address."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    alice: Client, bakery_made: NewTenant, fields: dict[str, str], at: str, words: str
) -> None:
    screen = alice.post(URL, told(**fields))
    api: Any = Caller(bakery_made.api_key).post("suppressions/", told(**fields))

    assert screen.status_code == 422
    assert words in screen.content.decode()
    assert api.status_code == 400
    assert words in api.json()["errors"][at][0]


@pytest.mark.parametrize(("role", "may"), [(Role.AGENT, True), (Role.LEGAL, True), (Role.ANALYST, False)])
def test_who_may_record_withdrawals_may_block(
    alice: Client, bakery_made: NewTenant, bakery: Tenant, role: Role, may: bool
) -> None:
    as_role(bakery_made, role)

    assert ("Block a number or address" in shown(alice, "/bakery/contacts/")) is may
    assert alice.post(URL, told(phone=PHONE)).status_code == (302 if may else 403)
    with tenant_scope(bakery):
        assert Suppression.objects.exists() is may
