"""The register of requests: deadlines, identity, what each kind does, and how it is answered."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from consent.actions import requests as actions
from consent.models import ConsentEvent, DataRequest
from consent.rights import periods
from contacts.models import Contact
from messaging.engine import Engine
from messaging.models import Message
from tenants import actions as tenancy
from tenants.models import AuditEvent, Tenant, User
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import agree, person
from tests.contacts.calls import Caller
from whatsapp.emulator import Running


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    with tenant_scope(bakery):
        anna = person(bakery, phone="+4915212345678", first_name="Anna", last_name="Muster")
        agree(bakery, anna, occurred_at=timezone.now())
        return anna


def taken(alice: Caller, anna: Contact, kind: str, **fields: Any) -> dict[str, Any]:
    answer = alice.post("data-requests/", {"contact": str(anna.uid), "kind": kind, **fields})
    assert answer.status_code == 201, answer.content
    return answer.json()


def may_send(alice: Caller, anna: Contact) -> str:
    return alice.get(f"contacts/{anna.uid}/may-send/").json()["reason"]


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-01-15T10:00:00Z", "2026-02-15"),
        ("2026-01-31T10:00:00Z", "2026-02-28"),
        ("2026-08-31T10:00:00Z", "2026-09-30"),
        # Half past eleven at night in Berlin is the next day.
        ("2026-06-14T22:30:00Z", "2026-07-15"),
    ],
)
def test_the_answer_is_due_one_month_after_the_request(alice: Caller, anna: Contact, received: str, due: str) -> None:
    assert taken(alice, anna, "access", received_at=received)["due_date"] == due


def test_two_more_months_need_a_reason_within_the_first_and_are_given_once(
    alice: Caller, anna: Contact, bakery: Tenant
) -> None:
    request = taken(alice, anna, "access", received_at=(timezone.now() - timedelta(days=20)).isoformat())
    path = f"data-requests/{request['uid']}/extend/"

    assert list(alice.post(path, {"because": " "}).json()["errors"]) == ["because"]
    extended = alice.post(path, {"because": "40 requests in one week"}).json()

    received = datetime.fromisoformat(extended["received_at"])
    assert extended["due_date"] == periods.due(received, bakery, is_extended=True).isoformat()
    assert periods.months_after(date(2026, 11, 30), 3) == date(2027, 2, 28)
    assert alice.post(path, {"because": "again"}).status_code == 409
    late = taken(alice, anna, "access", received_at=(timezone.now() - timedelta(days=40)).isoformat())
    assert alice.post(f"data-requests/{late['uid']}/extend/", {"because": "x"}).status_code == 409


def test_requests_past_their_last_day_are_found(alice: Caller, anna: Contact) -> None:
    late = taken(alice, anna, "access", received_at=(timezone.now() - timedelta(days=40)).isoformat())
    young = taken(alice, anna, "erasure")

    assert late["is_overdue"] is True
    assert [r["uid"] for r in alice.get("data-requests/", overdue="true").json()["results"]] == [late["uid"]]
    assert [r["uid"] for r in alice.get("data-requests/", overdue="false").json()["results"]] == [young["uid"]]
    assert len(alice.get("data-requests/", contact=str(anna.uid)).json()["results"]) == 2
    told = alice.post(f"data-requests/{late['uid']}/close/", {"answer": "Twice a week.", "refused": True}).json()
    assert told["is_overdue"] is False
    assert alice.get("data-requests/", overdue="true").json()["results"] == []


def test_the_last_day_ends_where_the_company_is(alice: Caller, anna: Contact) -> None:
    """In Berlin it is the 20th already, in Pago Pago still the 19th."""
    Tenant.objects.update(timezone="Pacific/Pago_Pago")

    with time_machine.travel(datetime(2027, 3, 20, 6, tzinfo=UTC)):
        request = taken(alice, anna, "access", received_at="2027-02-20T06:00:00Z")
        late = alice.get("data-requests/", overdue="true").json()["results"]
        extended = alice.post(f"data-requests/{request['uid']}/extend/", {"because": "40 requests in one week"})

    assert (request["due_date"], request["is_overdue"], late) == ("2027-03-19", False, [])
    assert extended.status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "pardon"}, "kind"),
        ({"received_at": "2999-01-01T00:00:00Z"}, "received_at"),
        ({"checked_by": "gut feeling"}, "checked_by"),
        ({"wrong": 1}, "wrong"),
    ],
)
def test_bad_input_names_its_field(alice: Caller, anna: Contact, body: dict[str, Any], field: str) -> None:
    answer = alice.post("data-requests/", {"contact": str(anna.uid), "kind": "access", **body})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_a_restriction_holds_at_once_and_until_it_is_lifted(alice: Caller, anna: Contact, bakery: Tenant) -> None:
    request = taken(alice, anna, "restriction")
    path = f"data-requests/{request['uid']}/"

    assert alice.post(f"{path}run/").json()["state"] == "carried_out"

    assert may_send(alice, anna) == "restricted"
    assert alice.get(f"contacts/{anna.uid}/").json()["is_restricted"] is True
    assert alice.post(f"{path}lift/").status_code == 200
    assert may_send(alice, anna) == ""
    assert alice.post(f"{path}lift/").status_code == 409
    with tenant_scope(bakery):
        states = list(ConsentEvent.objects.order_by("seq").values_list("state", "source"))
    assert states[1:] == [("restricted", "api"), ("unrestricted", "api")]


@pytest.mark.django_db(transaction=True)
def test_a_running_campaign_skips_who_is_restricted(
    alice: Caller, bakery: Tenant, meta: Running, engine: Engine
) -> None:
    number = factories.number(bakery)
    anna, bert = factories.contacts(bakery, 2)
    source = factories.source(number, [anna, bert])
    request = taken(alice, anna, "restriction")
    alice.post(f"data-requests/{request['uid']}/run/")

    engine.run(5)

    with tenant_scope(bakery):
        found = dict(Message.objects.filter(source=source).values_list("contact", "reason"))
    assert found == {anna.pk: "restricted", bert.pk: ""}
    assert len(meta.ledger) == 1


def test_an_objection_ends_advertising_for_good(alice: Caller, anna: Contact) -> None:
    request = taken(alice, anna, "objection")

    assert alice.post(f"data-requests/{request['uid']}/run/").json()["state"] == "carried_out"

    assert may_send(alice, anna) == "objected"


def test_a_rectification_is_audited_and_needs_an_identity(alice: Caller, anna: Contact, bakery: Tenant) -> None:
    request = taken(alice, anna, "rectification")
    path = f"data-requests/{request['uid']}/"

    assert alice.post(f"{path}correct/", {"last_name": "Muster-Meier"}).status_code == 409
    assert alice.patch(path, {"checked_by": "questions"}).json()["checked_by"] == "questions"
    assert list(alice.post(f"{path}correct/", {"email": "nonsense"}).json()["errors"]) == ["email"]
    corrected = alice.post(f"{path}correct/", {"last_name": "Muster-Meier"})

    assert (corrected.status_code, corrected.json()["state"]) == (200, "carried_out")
    assert alice.get(f"contacts/{anna.uid}/").json()["last_name"] == "Muster-Meier"
    assert alice.post(f"{path}run/").status_code == 409
    with tenant_scope(bakery):
        changes = AuditEvent.objects.get(verb="contact.updated").changes
    assert changes == {"fields": ["last_name"]}


def test_another_number_by_rectification_needs_a_new_yes(alice: Caller, anna: Contact) -> None:
    request = taken(alice, anna, "rectification", checked_by="document")

    alice.post(f"data-requests/{request['uid']}/correct/", {"phone": "+4915212345679"})

    assert may_send(alice, anna) == "expired"


def test_a_request_ends_with_an_answer_or_with_a_reason(alice: Caller, anna: Contact) -> None:
    request = taken(alice, anna, "objection")
    path = f"data-requests/{request['uid']}/"

    assert alice.post(f"{path}close/", {"answer": "Done."}).status_code == 409
    assert list(alice.post(f"{path}close/", {"answer": "", "refused": True}).json()["errors"]) == ["answer"]
    alice.post(f"{path}run/")
    closed = alice.post(f"{path}close/", {"answer": "Told by letter."}).json()

    assert (closed["state"], closed["answer"], closed["is_overdue"]) == ("done", "Told by letter.", False)
    for again, said in (("run/", None), ("close/", {"answer": "x"}), ("extend/", {"because": "x"})):
        assert alice.post(f"{path}{again}", said).status_code == 409
    refused = taken(alice, anna, "access")
    told = alice.post(f"data-requests/{refused['uid']}/close/", {"answer": "Twice a week.", "refused": True}).json()
    assert told["state"] == "refused"


def test_every_step_is_in_the_audit_trail_without_the_persons_data(
    alice: Caller, anna: Contact, bakery: Tenant
) -> None:
    request = taken(alice, anna, "restriction", note="Anna called")
    path = f"data-requests/{request['uid']}/"
    alice.patch(path, {"checked_by": "in_person"})
    alice.post(f"{path}run/")
    alice.post(f"{path}close/", {"answer": "Dear Anna"})

    with tenant_scope(bakery):
        rows = AuditEvent.objects.filter(object_uid=request["uid"]).order_by("pk")
        assert [row.verb for row in rows] == [
            "data_request.taken", "data_request.noted", "data_request.run", "data_request.done",
        ]  # fmt: skip
        assert "Anna" not in " ".join(f"{row.object_name} {row.changes}" for row in rows)


def test_a_key_that_may_only_read_consent_changes_nothing(
    alice: Caller, anna: Contact, bakery: Tenant, bakery_made: Any
) -> None:
    request = taken(alice, anna, "access", checked_by="email")
    with tenant_scope(bakery):
        _key, secret = tenancy.issue_key(
            tenant=bakery, name="reader", scopes=["consent:read", "contacts:write"], by=bakery_made.owner
        )
    reader = Caller(secret)

    assert reader.get(f"data-requests/{request['uid']}/").status_code == 200
    assert reader.get(f"data-requests/{request['uid']}/file/").status_code == 403
    for path in ("run/", "extend/", "close/", "lift/", "correct/"):
        assert reader.post(f"data-requests/{request['uid']}/{path}", {}).status_code == 403
    for path in ("erase/", "export/"):
        assert reader.post(f"contacts/{anna.uid}/{path}", {"checked_by": "email"}).status_code == 403


def test_who_did_it_is_named(anna: Contact, in_bakery: Tenant) -> None:
    user = User.objects.get(email="alice@example.com")
    request = actions.take(tenant=in_bakery, contact=anna, kind="restriction", by=user, received_at=datetime.now(UTC))

    actions.run(request=request, by=user)

    stored = DataRequest.objects.get()
    assert (stored.created_by, stored.done_by) == (user, user)
