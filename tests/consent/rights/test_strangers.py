"""Requests of people who are no contact: they are due like all others, and make no contact (CG-40)."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from consent.models import DataRequest
from consent.queries import may_send
from consent.rights import keeping
from contacts.models import Contact
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, person
from tests.consent.rights.traces import worked
from tests.consent.views.pages import shown, sought
from tests.contacts.calls import Caller

URL = "/bakery/data-requests/"
PHONE = "+4915123456780"


@pytest.fixture
def desk(client: Client, bakery_made: NewTenant) -> Client:
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    return client


def only(bakery: Tenant) -> DataRequest:
    with tenant_scope(bakery):
        return DataRequest.objects.get()


def noted(desk: Client, kind: str, **named: str) -> Any:
    day = timezone.localdate().isoformat()
    return desk.post(f"{URL}new/", {"stranger": "", "kind": kind, "received_on": day, **named})


def test_cg_40_a_request_of_somebody_unknown_is_noted_found_and_answered_without_a_contact(
    desk: Client, bakery: Tenant
) -> None:
    search = sought(desk, f"{URL}new/", "0151 23456780")
    assert '<input type="hidden" name="stranger" value="0151 23456780">' in search
    asked = desk.post(f"{URL}new/", {"stranger": "0151 23456780"})
    assert 'name="phone" value="0151 23456780"' in asked.content.decode()

    page = noted(desk, "access", phone="0151 23456780").headers["Location"]

    request = only(bakery)
    assert (request.contact, request.named) == (None, {"phone": PHONE})
    assert PHONE not in request.named_encrypted
    assert "Nobody is known by this number or address" in shown(desk, page)
    assert "Somebody who is no contact" in sought(desk, URL, "0151 23456780")
    desk.post(f"{page}run/")
    desk.post(f"{page}close/", {"answer": "We store nothing about you."})
    request = only(bakery)
    assert (request.state, request.named_encrypted, request.kept_until.year) == ("done", "", timezone.now().year + 3)
    assert str(request.uid) in sought(desk, URL, "0151 23456780")
    with tenant_scope(bakery):
        assert not Contact.objects.exists()
        assert PHONE[3:] not in str(list(AuditEvent.objects.values()))


def test_who_is_none_of_the_people_found_is_noted_all_the_same(desk: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        person(bakery, first_name="Anna", last_name="Müller", phone="+4940669691234")

    search = sought(desk, f"{URL}new/", "Müller")
    asked = desk.post(f"{URL}new/", {"stranger": "Müller"}).content.decode()

    assert "Anna Müller" in search
    assert '<input type="hidden" name="stranger" value="Müller">' in search
    # A name is no number: it stands in its own field and nowhere else.
    assert 'name="name" value="Müller"' in asked
    assert asked.count("Müller") == 1
    noted(desk, "access", email="mueller@example.com")
    assert (only(bakery).contact, only(bakery).named) == (None, {"email": "mueller@example.com"})


def test_who_was_found_to_be_none_of_the_contacts_is_not_taken_for_one_of_them(desk: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        person(bakery, first_name="Anna", last_name="Müller", phone=PHONE)

    refused = noted(desk, "erasure", phone="0151 23456780")

    assert refused.status_code == 422
    assert "Anna Müller has it. Choose that contact in the list" in refused.content.decode()
    with tenant_scope(bakery):
        assert not DataRequest.objects.exists()


@pytest.mark.parametrize(
    ("given", "field"), [("+49 40 66969", "phone"), ("K-4711", ""), ("Müller 2", ""), ("a@example.com", "email")]
)
def test_what_was_searched_for_stands_in_the_field_that_it_fits(
    desk: Client, bakery: Tenant, given: str, field: str
) -> None:
    asked = desk.post(f"{URL}new/", {"stranger": given}).content.decode()

    assert [name for name in ("phone", "email") if f'name="{name}" value="{given}"' in asked] == [field][: bool(field)]
    assert (given in asked) == bool(field)


def test_after_its_time_the_register_no_longer_says_who_it_was(desk: Client, bakery: Tenant) -> None:
    page = noted(desk, "access", phone=PHONE, note="Frau Müller").headers["Location"]
    desk.post(f"{page}extend/", {"because": "Frau Müllers Akten liegen im Keller"})
    desk.post(f"{page}run/")
    desk.post(f"{page}close/", {"answer": "Wir speichern nichts über Sie, Frau Müller."})
    with tenant_scope(bakery):
        assert "Müller" in str(DataRequest.objects.values().get())
        DataRequest.objects.update(kept_until=timezone.localdate() - timedelta(days=1))

    keeping.keep(bakery)

    with tenant_scope(bakery):
        kept = DataRequest.objects.values().get()
        assert (kept["kind"], kept["state"], kept["digests"]) == ("access", "done", [])
        assert "Müller" not in str(kept)


def test_an_objection_of_somebody_unknown_holds_for_whoever_comes_with_that_number(
    alice: Caller, bakery: Tenant
) -> None:
    asked = alice.post("data-requests/", {"kind": "objection", "phone": PHONE}).json()
    assert (asked["contact"], asked["named"]) == (None, {"phone": PHONE})
    assert alice.post(f"data-requests/{asked['uid']}/run/").json()["state"] == "carried_out"

    with tenant_scope(bakery):
        assert not Contact.objects.exists()
        anna = person(bakery, phone=PHONE)
        assert may_send(contact=anna, channel="whatsapp", purpose="marketing").reason == "suppressed"


def test_an_address_that_several_contacts_share_is_nobody_unknown(alice: Caller, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        for _name in ("Anna", "Bert"):
            person(bakery, email="familie@example.com")

    answer = alice.post("data-requests/", {"kind": "access", "email": "familie@example.com"})

    assert answer.status_code == 400
    assert "Several contacts" in answer.json()["errors"]["email"][0]


def test_nothing_is_said_to_be_erased_of_somebody_unknown_and_their_no_stays(desk: Client, bakery: Tenant) -> None:
    noted(desk, "objection", phone="0151 23456780")
    desk.post(f"{URL}{only(bakery).uid}/run/")
    page = noted(desk, "erasure", phone="0151 23456780").headers["Location"]
    desk.post(f"{page}run/")
    assert worked(bakery, page.split("/")[-2]).state == "carried_out"
    desk.post(f"{page}close/", {"answer": "We store nothing about you."})

    told = shown(desk, page)
    desk.post(f"{page}unblock/", {"confirmed": "1"})

    assert "Somebody who is no contact" in told
    assert "Erased person" not in told
    with tenant_scope(bakery):
        assert (
            may_send(contact=person(bakery, phone=PHONE), channel="whatsapp", purpose="marketing").reason
            == "suppressed"
        )


def test_who_has_become_a_contact_meanwhile_is_treated_as_one(alice: Caller, bakery: Tenant) -> None:
    asked = alice.post("data-requests/", {"kind": "restriction", "email": "anna@example.com"}).json()
    with tenant_scope(bakery):
        anna = person(bakery, email="anna@example.com")

    done = alice.post(f"data-requests/{asked['uid']}/run/").json()

    assert (done["contact"], done["named"]) == (str(anna.uid), {})
    assert alice.get(f"contacts/{anna.uid}/").json()["is_restricted"] is True


def test_a_number_that_belongs_to_a_contact_names_that_contact(alice: Caller, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna = person(bakery, phone=PHONE)
        agree(bakery, anna)

    asked = alice.post("data-requests/", {"kind": "objection", "phone": "0151 23456780"}).json()

    assert (asked["contact"], asked["named"]) == (str(anna.uid), {})


@pytest.mark.parametrize("named", [{}, {"phone": "12"}])
def test_a_request_without_a_person_is_refused_at_its_field(
    desk: Client, bakery_made: NewTenant, named: dict[str, str]
) -> None:
    assert noted(desk, "access", **named).status_code == 422
    answer = Caller(bakery_made.api_key).post("data-requests/", {"kind": "access", **named})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["phone"])
