"""Requests of people who give a name only, as in a letter: due like all others, though nothing is blocked by a name."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from consent.models import DataRequest, Suppression
from consent.queries import may_send
from consent.rights import keeping, periods
from contacts.models import Contact
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import person
from tests.consent.views.pages import shown, sought
from tests.contacts.calls import Caller

URL = "/bakery/data-requests/"
PHONE = "+4915123456780"
NAME = "Erika Beispiel, Musterstr. 5"
BLOCKS_NOTHING = "A name alone blocks nothing"


@pytest.fixture
def desk(client: Client, bakery_made: NewTenant) -> Client:
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    return client


def only(bakery: Tenant) -> DataRequest:
    with tenant_scope(bakery):
        return DataRequest.objects.get()


def noted(desk: Client, kind: str, **fields: str) -> str:
    """The address of a request that was noted by a name."""
    day = (timezone.localdate() - timedelta(days=10)).isoformat()
    said = {"stranger": "", "kind": kind, "received_on": day, "name": NAME, **fields}
    return str(desk.post(f"{URL}new/", said).headers["Location"])


def asked(alice: Caller, kind: str = "access", **fields: Any) -> Any:
    return alice.post("data-requests/", {"kind": kind, "name": NAME, **fields}).json()


def identified(alice: Caller, request: Any, **who: str) -> Any:
    return alice.post(f"data-requests/{request['uid']}/identify/", who)


def test_cg_40_a_letter_that_gives_a_name_only_is_noted_found_and_answered(desk: Client, bakery: Tenant) -> None:
    assert "Note the request all the same" in sought(desk, f"{URL}new/", "Erika Beispiel")
    asked = desk.post(f"{URL}new/", {"stranger": "Erika Beispiel"}).content.decode()
    assert 'name="name" value="Erika Beispiel"' in asked

    page = noted(desk, "access", name="  Erika   Beispiel, Musterstr. 5 ")

    request = only(bakery)
    assert (request.contact, request.named) == (None, {"name": NAME})
    assert "Erika" not in request.named_encrypted
    assert request.due_date == periods.due(request.received_at, bakery) > timezone.localdate()
    assert "Only a name is known" in shown(desk, page)
    assert NAME in sought(desk, URL, "beispiel erika")
    assert "No matches" in sought(desk, URL, "Karl Beispiel")
    desk.post(f"{page}run/")
    desk.post(f"{page}close/", {"answer": "We store nothing that we know to be yours."})
    request = only(bakery)
    assert (request.state, request.named_encrypted, request.kept_until.year) == ("done", "", timezone.now().year + 3)
    assert "Nobody was found for sure" in shown(desk, page)
    assert str(request.uid) in (found := sought(desk, URL, "Erika Beispiel"))
    assert "Musterstr." not in found
    with tenant_scope(bakery):
        assert not Contact.objects.exists()
        assert "Erika" not in str(list(AuditEvent.objects.values()))


def test_after_its_time_the_register_no_longer_knows_the_name(desk: Client, bakery: Tenant) -> None:
    page = noted(desk, "access", note="Frau Beispiel")
    desk.post(f"{page}run/")
    desk.post(f"{page}close/", {"answer": "Wir speichern nichts über Sie, Frau Beispiel."})
    with tenant_scope(bakery):
        DataRequest.objects.update(kept_until=timezone.localdate() - timedelta(days=1))

    keeping.keep(bakery)

    with tenant_scope(bakery):
        kept = DataRequest.objects.values().get()
        assert (kept["state"], kept["digests"], kept["note"], kept["answer"]) == ("done", [], "", "")
    assert "No matches" in sought(desk, URL, "Erika Beispiel")


def test_an_objection_by_name_is_said_to_block_nothing_and_can_only_be_refused(desk: Client, bakery: Tenant) -> None:
    page = noted(desk, "objection")
    assert BLOCKS_NOTHING in shown(desk, page)

    assert "Add number or address, or refuse" in desk.post(f"{page}run/", follow=True).content.decode()

    assert only(bakery).state == "open"
    desk.post(f"{page}close/", {"answer": "Tell us your number: we cannot tell who you are.", "refused": "1"})
    assert only(bakery).state == "refused"
    told = shown(desk, page)
    assert BLOCKS_NOTHING in told
    assert "have ended for good" not in told
    with tenant_scope(bakery):
        assert not Suppression.objects.exists()


def test_an_erasure_by_name_is_answered_and_no_hash_is_said_to_keep_messages_away(desk: Client, bakery: Tenant) -> None:
    page = noted(desk, "erasure")
    assert BLOCKS_NOTHING in shown(desk, page)

    desk.post(f"{page}run/")
    desk.post(f"{page}close/", {"answer": "We store nothing that we know to be yours."})

    told = shown(desk, page)
    assert BLOCKS_NOTHING in told
    assert "keyed hash" not in told
    with tenant_scope(bakery):
        assert only(bakery).state == "done"
        assert not Suppression.objects.exists()


def test_a_name_is_nobodys_identity(alice: Caller, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        erika = person(bakery, first_name="Erika", last_name="Beispiel", phone=PHONE)

    one, other = asked(alice), asked(alice, name="Erika Beispiel")

    assert (one["contact"], other["contact"]) == (None, None)
    with tenant_scope(bakery):
        assert len({erika.subject_id, *DataRequest.objects.values_list("subject_id", flat=True)}) == 3


def test_a_number_that_is_told_later_makes_it_a_strangers_request_of_the_same_deadline(
    desk: Client, bakery: Tenant
) -> None:
    page = noted(desk, "objection", checked_by="document")
    before = only(bakery)
    search = sought(desk, f"{page}identify/", "0151 23456780")
    assert '<input type="hidden" name="stranger" value="0151 23456780">' in search
    form = desk.post(f"{page}identify/", {"stranger": "0151 23456780"}).content.decode()
    assert 'name="phone" value="0151 23456780"' in form
    assert 'name="name"' not in form

    sent = desk.post(f"{page}identify/", {"stranger": "", "phone": "0151 23456780", "email": ""})

    assert sent.headers["Location"] == page
    request = only(bakery)
    assert (request.uid, request.received_at, request.due_date) == (before.uid, before.received_at, before.due_date)
    assert (request.named, request.checked_by) == ({"name": NAME, "phone": PHONE}, "document")
    assert BLOCKS_NOTHING not in shown(desk, page)
    assert str(request.uid) in sought(desk, URL, "0151 23456780")
    assert str(request.uid) in sought(desk, URL, "Erika")
    desk.post(f"{page}run/")
    with tenant_scope(bakery):
        erika = person(bakery, phone=PHONE)
        assert may_send(contact=erika, channel="whatsapp", purpose="marketing").reason == "suppressed"


def test_who_turns_out_to_be_a_contact_is_chosen_and_checked_anew(desk: Client, bakery: Tenant) -> None:
    page = noted(desk, "access", checked_by="document")
    before = only(bakery)
    desk.post(f"{page}run/")
    with tenant_scope(bakery):
        erika = person(bakery, first_name="Erika", last_name="Beispiel", phone=PHONE, external_id="K-4711")
    assert f'href="?contact={erika.uid}"' in sought(desk, f"{page}identify/", "K-4711")
    assert "This is the person" in shown(desk, f"{page}identify/?contact={erika.uid}")

    sent = desk.post(f"{page}identify/", {"contact": str(erika.uid)})

    assert sent.headers["Location"] == page
    request = only(bakery)
    assert (request.contact_id, request.subject_id, request.uid) == (erika.pk, erika.subject_id, before.uid)
    assert (request.due_date, request.named_encrypted, request.digests) == (before.due_date, "", [])
    # That nobody was found by the name is not true any more.
    assert (request.state, request.carried_out_at, request.checked_by) == ("open", None, "")
    assert "First say how you know" in desk.post(f"{page}run/", follow=True).content.decode()


def test_over_the_api_a_contacts_number_makes_it_theirs(alice: Caller, bakery: Tenant) -> None:
    request = asked(alice, "restriction")
    assert (request["contact"], request["named"]) == (None, {"name": NAME})
    with tenant_scope(bakery):
        erika = person(bakery, phone=PHONE)

    answer = identified(alice, request, phone="0151 23456780")

    known = answer.json()
    assert (answer.status_code, known["contact"], known["named"]) == (200, str(erika.uid), {})
    assert (known["uid"], known["due_date"]) == (request["uid"], request["due_date"])
    assert alice.post(f"data-requests/{request['uid']}/run/").json()["state"] == "carried_out"
    with tenant_scope(bakery):
        verbs = AuditEvent.objects.filter(object_uid=request["uid"]).values_list("verb", flat=True)
        assert "data_request.identified" in verbs


def test_an_address_of_several_contacts_names_none_of_them_and_one_is_chosen(alice: Caller, bakery: Tenant) -> None:
    request = asked(alice)
    with tenant_scope(bakery):
        anna, _bert = (person(bakery, email="familie@example.com") for _one in range(2))

    refused = identified(alice, request, email="familie@example.com")

    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["email"])
    assert identified(alice, request, contact=str(anna.uid)).json()["contact"] == str(anna.uid)


def test_who_is_known_already_or_was_answered_is_not_named_anew(alice: Caller) -> None:
    known, over = asked(alice, phone=PHONE), asked(alice)
    assert known["named"] == {"name": NAME, "phone": PHONE}
    alice.post(f"data-requests/{over['uid']}/close/", {"answer": "Wir kennen Sie nicht.", "refused": True})

    answers = [identified(alice, request, email="erika@example.com") for request in (known, over)]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert "by more than a name" in answers[0].content.decode()


def test_an_objection_by_name_is_refused_over_the_api_with_the_remedy(alice: Caller) -> None:
    answer = alice.post(f"data-requests/{asked(alice, 'objection')['uid']}/run/")

    assert answer.status_code == 409
    assert "Add number or address" in answer.content.decode()


@pytest.mark.parametrize("who", [{}, {"phone": "12"}])
def test_what_is_told_later_is_refused_at_its_field(
    desk: Client, bakery_made: NewTenant, who: dict[str, str], bakery: Tenant
) -> None:
    page, alice = noted(desk, "access"), Caller(bakery_made.api_key)

    assert desk.post(f"{page}identify/", {"stranger": "", "phone": "", **who}).status_code == 422
    answer = identified(alice, {"uid": only(bakery).uid}, **who)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["phone"])


def test_a_request_without_name_number_and_address_is_told_what_is_missing(
    desk: Client, bakery_made: NewTenant
) -> None:
    told = "Enter a phone number, an e-mail address or, without either, the name."
    day = timezone.localdate().isoformat()

    page = desk.post(f"{URL}new/", {"stranger": "", "kind": "access", "received_on": day, "name": " "})
    answer = Caller(bakery_made.api_key).post("data-requests/", {"kind": "access"})

    assert (page.status_code, told in page.content.decode()) == (422, True)
    assert (answer.status_code, answer.json()["errors"]) == (400, {"phone": [told]})


def test_whom_somebody_else_has_named_meanwhile_is_not_named_anew_on_the_page(desk: Client, bakery: Tenant) -> None:
    page = noted(desk, "access", phone=PHONE)

    sent = desk.post(f"{page}identify/", {"stranger": "", "phone": "", "email": "erika@example.com"})

    assert "by more than a name already" in sent.content.decode()
    assert only(bakery).named == {"name": NAME, "phone": PHONE}
