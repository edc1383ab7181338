""" "May I send?" over the API and in Django admin: the answer in words, what to do, and the row that decided it."""

import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client

from consent import reasons, rules
from consent.actions import declarations
from contacts.models import Contact
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.conftest import PASSWORD
from tests.consent.factories import agree, person, stop
from tests.contacts.calls import Caller

PHONE = "+493023125001"


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    with tenant_scope(bakery):
        return person(bakery, phone=PHONE, first_name="Anna")


def asked(caller: Caller, contact: Contact, **query: str) -> Any:
    answer = caller.get(f"contacts/{contact.uid}/may-send/", **query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_every_reason_of_the_rules_has_words_in_both_languages() -> None:
    codes = set(re.findall(r"THEN '(\w+)'", rules.REASON))

    assert len(codes) == 13
    assert codes - set(reasons.REASONS) == set()


def test_a_no_is_told_in_both_languages_with_the_row_that_decided(alice: Caller, anna: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        agree(bakery, anna)
        stop(bakery, anna)

    found = asked(alice, anna)

    assert (found["allowed"], found["reason"], found["seq"]) == (False, "withdrawn", 2)
    assert found["text"] == {
        "de": "Die Person hat die Einwilligung widerrufen oder abgelehnt.",
        "en": "The person has withdrawn or declined the consent.",
    }
    assert "START" in found["remedy"]["de"]
    assert (found["row"]["seq"], found["row"]["state"], found["row"]["source"]) == (2, "withdrawn", "wa_keyword")


def test_a_yes_names_the_row_it_rests_on(alice: Caller, anna: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        agree(bakery, anna)

    marketing = asked(alice, anna, purpose="marketing")
    order = asked(alice, anna, purpose="transactional")

    assert (marketing["allowed"], marketing["text"]["de"]) == (True, "Es liegt eine gültige Einwilligung vor.")
    assert (order["allowed"], order["row"]["seq"]) == (True, 1)
    assert "ohne Werbung" in order["remedy"]["de"]


def test_without_any_row_there_is_none(alice: Caller, anna: Contact) -> None:
    found = asked(alice, anna)

    assert (found["reason"], found["seq"], found["row"]) == ("no_consent", None, None)


def test_a_template_that_does_not_fit_the_purpose_is_told(alice: Caller, anna: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        agree(bakery, anna)

    found = asked(alice, anna, category="UTILITY")

    assert found["reason"] == "category_mismatch"
    assert "Utility-Vorlagen" in found["remedy"]["de"]


def page(client: Client, term: str) -> str:
    answer = client.post("/admin/consent/consentstate/may-send/", {"q": term}, follow=True)
    assert answer.status_code == 200
    [(address, _status)] = answer.redirect_chain
    assert term not in unquote(address)
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize("spelling", ["030 23125-001", PHONE, "uid", "subject_id"])
def test_staff_ask_for_a_person_and_see_every_answer(
    staff: Client, anna: Contact, bakery: Tenant, spelling: str
) -> None:
    with tenant_scope(bakery):
        agree(bakery, anna)
        declarations.suppress(tenant=bakery, contact=anna, dedupe="s", channel="email", purpose="marketing")

    found = page(staff, str(getattr(anna, spelling, spelling)))

    assert "Anna" in found
    for channel in ("WhatsApp", "E-mail", "SMS"):
        assert found.count(f'<th scope="row">{channel} · ') == 6
    assert "There is a valid consent." in found
    assert "no: On the suppression list" in found


def test_staff_are_told_that_nobody_is_named_so(staff: Client, anna: Contact) -> None:
    assert "Nobody is named so." in page(staff, "030 23125-999")


def test_the_checker_is_reached_from_the_contact_and_from_the_states(staff: Client, anna: Contact) -> None:
    contact = staff.get(f"/admin/contacts/contact/{anna.pk}/change/").content.decode()
    states = staff.get("/admin/consent/consentstate/").content.decode()

    assert f'href="/admin/consent/consentstate/may-send/?q={anna.uid}"' in contact
    assert 'href="/admin/consent/consentstate/may-send/"' in states


def test_the_checker_needs_the_right_to_see_states(client: Client, anna: Contact) -> None:
    client.force_login(User.objects.create_user("helper@example.com", PASSWORD, is_staff=True))

    assert client.get("/admin/consent/consentstate/may-send/", {"q": PHONE}).status_code == 403
