"""The screens of requests: found, noted, carried out and answered by people at the counter."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from consent.actions import declarations, requests
from consent.models import DataRequest
from consent.queries import may_send
from contacts import identities
from contacts.models import Contact
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Membership, Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests.consent.factories import person
from tests.consent.rights.traces import worked
from tests.consent.views.pages import sought
from tests.contacts.calls import Caller

URL = "/bakery/data-requests/"
# A month from then is another last day than a month from now.
DAYS_AGO = (timezone.localdate() - timedelta(days=12)).isoformat()


@pytest.fixture
def desk(client: Client, bakery_made: NewTenant) -> Client:
    """Alice in her browser, in English."""
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    with tenant_scope(bakery):
        return person(
            bakery, phone="+4915212345678", first_name="Anna", last_name="Muster", email="anna@example.com",
            external_id="K-4711",
        )  # fmt: skip


def shown(desk: Client, address: str, **headers: str) -> str:
    """The page as text, blanks folded."""
    response = desk.get(address, **headers)
    assert response.status_code in {200, 286}, response.status_code
    return " ".join(response.content.decode().split())


def only(bakery: Tenant) -> DataRequest:
    with tenant_scope(bakery):
        return DataRequest.objects.get()


def noted(desk: Client, bakery: Tenant, anna: Contact, kind: str, **fields: Any) -> DataRequest:
    body = {"contact": str(anna.uid), "kind": kind, "received_on": timezone.localdate().isoformat(), **fields}
    response = desk.post(f"{URL}new/", body)
    assert response.status_code == 302, response.content.decode()
    return only(bakery)


def at(request: DataRequest, path: str = "") -> str:
    return f"{URL}{request.uid}/{path}"


@pytest.mark.parametrize("text", ["0152 12345678", "anna@example.com", "Anna Mus", "K-4711"])
def test_the_person_is_found_by_what_they_say(desk: Client, anna: Contact, text: str) -> None:
    page = sought(desk, f"{URL}new/", text)

    assert f'href="?contact={anna.uid}"' in page


def test_who_is_not_stored_is_said_to_be_so(desk: Client, bakery: Tenant) -> None:
    assert "tell them so" in sought(desk, f"{URL}new/", "Nobody")


def test_a_request_is_noted_with_its_deadline(desk: Client, anna: Contact, bakery: Tenant) -> None:
    assert "No requests yet" in shown(desk, URL)

    request = noted(desk, bakery, anna, "access", checked_by="email", note="by post")

    page = shown(desk, at(request))
    assert "Anna Muster" in page
    assert "by post" in page
    assert "Build the export" in page
    assert "Anna Muster" in shown(desk, URL)


@pytest.mark.parametrize(("field", "value"), [("received_on", "2999-01-01"), ("kind", "pardon"), ("received_on", "x")])
def test_what_is_wrong_is_said_at_its_field(desk: Client, anna: Contact, field: str, value: str) -> None:
    body = {"contact": str(anna.uid), "kind": "access", "received_on": "2026-01-01", field: value}

    response = desk.post(f"{URL}new/", body)

    assert response.status_code == 422
    assert f'id="id_{field}_error"' in response.content.decode()


def test_overdue_requests_stand_first_and_are_counted(desk: Client, anna: Contact, bakery: Tenant) -> None:
    young = noted(desk, bakery, anna, "access")
    with tenant_scope(bakery):
        # On its last day there is time yet.
        DataRequest.objects.update(due_date=timezone.localdate())
        bert = person(bakery, first_name="Bert")
    late_day = (timezone.localdate() - timedelta(days=45)).isoformat()
    desk.post(f"{URL}new/", {"contact": str(bert.uid), "kind": "erasure", "received_on": late_day})

    page = shown(desk, URL)

    assert "1 request is past its last day" in page
    assert page.index("overdue since") < page.index(str(young.uid))
    assert "1 request is past its last day" in shown(desk, "/bakery/")


def test_an_access_request_goes_from_the_identity_to_the_answer(desk: Client, anna: Contact, bakery: Tenant) -> None:
    request = noted(desk, bakery, anna, "access")
    desk.post(at(request, "run/"))
    assert only(bakery).state == "open"
    assert "First say how you know" in shown(desk, at(request))

    desk.post(at(request, "identity/"), {"checked_by": "whatsapp", "note": ""})
    desk.post(at(request, "run/"))
    waiting = desk.get(at(request), HTTP_HX_REQUEST="true")
    assert (waiting.status_code, "every 2s" in waiting.content.decode()) == (200, True)
    worked(bakery, str(request.uid))
    ready = desk.get(at(request), HTTP_HX_REQUEST="true")
    assert (ready.status_code, "every 2s" in ready.content.decode()) == (286, False)

    file = desk.get(at(request, "file/"))
    assert file["Content-Type"] == "application/zip"
    assert b"".join(file.streaming_content)[:2] == b"PK"
    desk.post(at(request, "close/"), {"answer": "Handed over at the counter."})
    assert (only(bakery).state, only(bakery).done_by.email) == ("done", "alice@example.com")
    assert "Everything is answered" in shown(desk, URL)
    assert "Handed over at the counter." in shown(desk, at(request))


def test_an_erasure_is_asked_about_before_and_found_by_the_number_afterwards(
    desk: Client, anna: Contact, bakery: Tenant
) -> None:
    request = noted(desk, bakery, anna, "erasure", checked_by="document")

    question = desk.post(at(request, "run/"))
    assert "cannot be undone" in question.content.decode()
    assert only(bakery).state == "open"
    desk.post(at(request, "run/"), {"confirmed": "1"})
    assert "being erased" in shown(desk, at(request))
    worked(bakery, str(request.uid))

    page = shown(desk, at(request))
    assert "Erased person" in page
    assert "Nothing names this person any more" in page
    assert "Muster" not in page
    for text in ("0152 12345678", "ANNA@example.com"):
        assert str(request.uid) in sought(desk, URL, text)
    assert str(request.uid) not in sought(desk, URL, "0152 12345679")


def test_a_correction_is_made_in_the_request_and_says_what_is_wrong(
    desk: Client, anna: Contact, bakery: Tenant
) -> None:
    request = noted(desk, bakery, anna, "rectification", checked_by="questions")
    values = {"first_name": "Anna", "last_name": "Meier", "phone": "+4915212345678", "email": "nonsense"}

    refused = desk.post(at(request, "correct/"), values | {"external_id": "K-4711"})
    assert refused.status_code == 422
    assert 'id="id_email_error"' in refused.content.decode()
    desk.post(at(request, "correct/"), values | {"email": "anna@example.com", "external_id": "K-4711"})

    with tenant_scope(bakery):
        anna.refresh_from_db()
    assert (anna.last_name, anna.email, only(bakery).state) == ("Meier", "anna@example.com", "carried_out")


def test_a_restriction_is_set_and_lifted(desk: Client, anna: Contact, bakery: Tenant) -> None:
    request = noted(desk, bakery, anna, "restriction")

    desk.post(at(request, "run/"))
    assert "Restricted since" in shown(desk, at(request))
    desk.post(at(request, "lift/"))

    assert "The restriction was lifted." in shown(desk, at(request))


def test_more_time_needs_a_reason(desk: Client, anna: Contact, bakery: Tenant) -> None:
    request = noted(desk, bakery, anna, "access")

    assert desk.post(at(request, "extend/"), {"because": ""}).status_code == 422
    desk.post(at(request, "extend/"), {"because": "very many files"})

    assert "very many files" in shown(desk, at(request))
    assert only(bakery).due_date > request.due_date


def test_a_refusal_needs_its_reason(desk: Client, anna: Contact, bakery: Tenant) -> None:
    request = noted(desk, bakery, anna, "access")

    assert desk.post(at(request, "close/"), {"answer": "", "refused": "1"}).status_code == 422
    desk.post(at(request, "close/"), {"answer": "The third time this week.", "refused": "1"})

    assert only(bakery).state == "refused"


def test_who_may_not_see_consent_sees_no_requests(
    desk: Client, anna: Contact, bakery: Tenant, bakery_made: NewTenant
) -> None:
    request = noted(desk, bakery, anna, "access")
    with tenant_scope(bakery):
        Membership.objects.filter(user=bakery_made.owner).update(role=Role.ANALYST)

    assert "data-requests" not in shown(desk, "/bakery/")
    for path in ("", "new/", f"{request.uid}/", f"{request.uid}/file/"):
        assert desk.get(f"{URL}{path}").status_code == 403
    for path in ("identity/", "run/", "correct/", "lift/", "extend/", "close/"):
        assert desk.post(at(request, path)).status_code == 403


def test_the_requests_of_another_company_are_not_there(
    desk: Client, anna: Contact, bakery: Tenant, shop_made: NewTenant
) -> None:
    request = noted(desk, bakery, anna, "access", checked_by="email")
    carol = Client(headers={"Accept-Language": "en"})
    carol.force_login(shop_made.owner)

    for path in ("", "file/"):
        assert carol.get(f"/shop/data-requests/{request.uid}/{path}").status_code == 404
    for path in ("identity/", "run/", "correct/", "lift/", "extend/", "close/"):
        assert carol.post(f"/shop/data-requests/{request.uid}/{path}", {"confirmed": "1"}).status_code == 404
    assert carol.get(f"/shop/data-requests/new/?contact={anna.uid}").status_code == 404
    assert carol.get(at(request)).status_code == 404


def test_german_screens_speak_german(desk: Client, anna: Contact, bakery: Tenant) -> None:
    request = noted(desk, bakery, anna, "erasure")
    desk.cookies["django_language"] = "de"

    assert "Endgültig löschen" in shown(desk, at(request))
    assert "Datenanfragen" in shown(desk, URL)


@pytest.fixture
def twin(bakery: Tenant, anna: Contact) -> Contact:
    """Another contact that turned out to be Anna, too."""
    with tenant_scope(bakery):
        twin = person(bakery, phone="+4915212345679", first_name="Annika")
        identities.share(bakery, [anna, twin])
        declarations.merged(tenant=bakery, kept=anna, gone=twin)
        return twin


def test_a_persons_other_contact_is_named_and_the_request_is_noted_for_it_too(
    desk: Client, anna: Contact, twin: Contact, bakery: Tenant
) -> None:
    request = noted(desk, bakery, anna, "access", checked_by="email", received_on=DAYS_AGO)
    page = shown(desk, at(request))
    assert "Annika" in page
    assert "Note it for them too" in page

    desk.post(at(request, "also/"))

    with tenant_scope(bakery):
        other = DataRequest.objects.get(contact=twin)
    assert (other.kind, other.due_date, other.checked_by) == ("access", request.due_date, "")
    for noted_already in (request, other):
        assert "Note it for them too" not in shown(desk, at(noted_already))
    with tenant_scope(bakery):
        DataRequest.objects.filter(pk=other.pk).update(state="done", done_at=timezone.now())
    assert "Note it for them too" not in shown(desk, at(request))


def test_what_was_answered_for_the_other_contact_before_this_was_asked_is_noted_anew(
    desk: Client, anna: Contact, twin: Contact, bakery: Tenant
) -> None:
    last_year = timezone.now() - timedelta(days=365)
    with tenant_scope(bakery):
        before = requests.take(tenant=bakery, contact=twin, kind="access", received_at=last_year, by=None)
        request = requests.take(tenant=bakery, contact=anna, kind="access", by=None)
    # As long as it waits it is the same.
    assert "Note it for them too" not in shown(desk, at(request))
    with tenant_scope(bakery):
        DataRequest.objects.filter(pk=before.pk).update(state="done", done_at=last_year)

    assert "Note it for them too" in shown(desk, at(request))


def test_once_a_request_is_answered_it_is_noted_for_no_other_contact(
    desk: Client, anna: Contact, twin: Contact, bakery: Tenant
) -> None:
    request = noted(desk, bakery, anna, "access", checked_by="email")
    desk.post(at(request, "close/"), {"answer": "Kein Nachweis; Sie können sich beschweren.", "refused": "1"})
    assert only(bakery).is_over

    assert "Note it for them too" not in shown(desk, at(request))


def test_an_access_is_carried_out_for_one_contact_whatever_others_the_person_has(
    desk: Client, anna: Contact, twin: Contact, bakery: Tenant
) -> None:
    request = noted(desk, bakery, anna, "access", checked_by="email")

    desk.post(at(request, "run/"))

    assert only(bakery).state == "working"


def test_an_erasure_says_that_it_takes_the_persons_other_contact_with_it_and_does(
    desk: Client, anna: Contact, twin: Contact, bakery: Tenant
) -> None:
    request = noted(desk, bakery, anna, "erasure", checked_by="email", received_on=DAYS_AGO)
    assert "They are erased with this one" in shown(desk, at(request))
    question = desk.post(at(request, "run/")).content.decode()
    assert "Other contacts of this person are erased with it: Annika" in question
    for page in (question, shown(desk, at(request))):
        assert f'<input type="hidden" name="others" value="{twin.uid}">' in page

    desk.post(at(request, "run/"), {"confirmed": "1", "others": str(twin.uid)})

    with tenant_scope(bakery):
        both = list(DataRequest.objects.order_by("pk"))
        assert [(one.kind, one.due_date, one.checked_by) for one in both] == [
            ("erasure", request.due_date, "email")
        ] * 2
        for one in both:
            assert one.contact
            assert may_send(contact=one.contact, channel="whatsapp", purpose="marketing").reason == "restricted"
    for one in both:
        worked(bakery, str(one.uid))
    with tenant_scope(bakery):
        assert not Contact.objects.exists()
        ran = AuditEvent.objects.filter(verb="data_request.run").values_list("object_uid", flat=True)
        assert sorted(ran) == sorted(str(one.uid) for one in both)


def test_whoever_had_the_number_before_may_be_left_out_of_an_erasure(
    desk: Client, anna: Contact, twin: Contact, bakery: Tenant
) -> None:
    request = noted(desk, bakery, anna, "erasure", checked_by="email")
    assert "Erase only this contact" in shown(desk, at(request))
    question = desk.post(at(request, "run/"), {"alone": "1"}).content.decode()
    assert "Another contact of this person stays as it is" in question
    assert '<input type="hidden" name="alone" value="1">' in question

    desk.post(at(request, "run/"), {"confirmed": "1", "alone": "1"})
    worked(bakery, str(request.uid))

    with tenant_scope(bakery):
        assert Contact.objects.get() == twin
        assert twin.restricted_at is None


@pytest.mark.parametrize("others", ["", "6f1c1e0e-2ad1-4c0f-9f0e-0d6f7c4e5a11", "nonsense"])
def test_an_erasure_takes_no_other_contact_than_somebody_was_shown(
    desk: Client, anna: Contact, twin: Contact, bakery: Tenant, others: str
) -> None:
    request = noted(desk, bakery, anna, "erasure", checked_by="email")

    answer = desk.post(at(request, "run/"), {"confirmed": "1", "others": others}, follow=True)

    assert "Which contacts belong to this person has changed." in answer.content.decode()
    with tenant_scope(bakery):
        assert DataRequest.objects.get().state == "open"
        assert not Contact.objects.exclude(restricted_at=None).exists()


@pytest.mark.parametrize(("said", "left"), [({}, 1), ({"alone": False}, 0)])
def test_a_program_erases_one_contact_alone_or_a_person_with_all(
    alice: Caller, anna: Contact, twin: Contact, bakery: Tenant, said: dict[str, bool], left: int
) -> None:
    answer = alice.post(f"contacts/{anna.uid}/erase/", {"checked_by": "email", **said})

    assert answer.status_code == 202
    with tenant_scope(bakery):
        for request in DataRequest.objects.all():
            worked(bakery, str(request.uid))
        assert Contact.objects.count() == left


def test_whose_number_somebody_else_had_before_has_no_other_contact(
    desk: Client, anna: Contact, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        stranger = person(bakery, phone="+4915212345679", first_name="Berta")
        identities.share(bakery, [anna, stranger])

    assert "Berta" not in shown(desk, at(noted(desk, bakery, anna, "access")))
