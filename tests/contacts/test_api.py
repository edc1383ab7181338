"""Contacts, lists, tags and events over the REST API, from the outside."""

import uuid
from typing import Any

import pytest
from django.utils import timezone

from contacts.models import Contact, Event
from tenants import actions as tenancy
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests.contacts.calls import Caller

PHONE, OTHER = "+493023125001", "+493023125002"
NOW = "2026-03-01T12:00:00Z"


def order(event_id: str = "1", **changes: Any) -> dict[str, Any]:
    money = {"value": "49.90", "currency": "EUR"}
    return {"id": event_id, "name": "order_placed", "occurred_at": NOW, "phone": PHONE, **money, **changes}


@pytest.fixture
def ada(alice: Caller) -> dict[str, Any]:
    body = {"phone": "030 23125-001", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}
    stored: dict[str, Any] = alice.post("contacts/", {**body, "tags": ["VIP"], "attributes": {"size": 42}}).json()
    return stored


def test_a_contact_is_created_and_then_changed_by_the_same_call(alice: Caller) -> None:
    first = alice.post("contacts/", {"phone": "030/23125001", "external_id": "4711", "tags": ["VIP"]})
    second = alice.post("contacts/", {"external_id": "4711", "first_name": "Ada"})

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["uid"] == first.json()["uid"]
    assert second.json() | {"updated_at": None, "created_at": None} == {
        "uid": first.json()["uid"],
        "phone": PHONE,
        "bsuid": None,
        "email": None,
        "external_id": "4711",
        "first_name": "Ada",
        "last_name": "",
        "language": "",
        "country": "",
        "postcode": "",
        "birthday": None,
        "attributes": {},
        "tags": ["VIP"],
        "is_restricted": False,
        "phone_invalid_at": None,
        "created_at": None,
        "updated_at": None,
    }


def test_a_bad_phone_names_the_field_and_the_remedy(alice: Caller) -> None:
    answer = alice.post("contacts/", {"phone": "0151"})

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert "+49 151 23456789" in answer.json()["errors"]["phone"][0]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"phone": PHONE, "phon": "1"}, "phon"),
        ({"phone": PHONE, "birthday": "1.2.1980"}, "birthday"),
        ({"phone": PHONE, "attributes": [1]}, "attributes"),
        ({"phone": PHONE, "tags": "VIP"}, "tags"),
        ({"phone": PHONE, "uid": str(uuid.uuid4())}, "uid"),
        ({"first_name": "Ada"}, "phone"),
        ([], "non_field_errors"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_field(body: Any, field: str, alice: Caller) -> None:
    answer = alice.post("contacts/", body)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_a_contact_is_read_patched_and_deleted(alice: Caller, ada: dict[str, Any]) -> None:
    path = f"contacts/{ada['uid']}/"

    assert alice.get(path).json() == ada
    patched = alice.patch(path, {"first_name": "Augusta", "email": None, "attributes": {"size": None}})
    assert patched.status_code == 200
    assert (patched.json()["first_name"], patched.json()["email"], patched.json()["attributes"]) == (
        "Augusta",
        None,
        {},
    )
    assert alice.patch(path, {"phone": None}).status_code == 400
    assert alice.delete(path).status_code == 204
    assert alice.get(path).status_code == 404


def test_a_patch_replaces_the_tags_and_everything_else_adds_them(alice: Caller, ada: dict[str, Any]) -> None:
    path = f"contacts/{ada['uid']}/"

    assert alice.post("contacts/", {"phone": PHONE, "tags": ["Brot"]}).json()["tags"] == ["Brot", "VIP"]
    alice.post("contacts/bulk/", {"contacts": [{"phone": PHONE, "tags": ["Kuchen"]}]})
    assert alice.get(path).json()["tags"] == ["Brot", "Kuchen", "VIP"]

    assert alice.patch(path, {"first_name": "Augusta"}).json()["tags"] == ["Brot", "Kuchen", "VIP"]
    assert alice.patch(path, {"tags": ["vip", "Neu"]}).json()["tags"] == ["Neu", "VIP"]
    assert alice.patch(path, {"tags": []}).json()["tags"] == []
    assert len(alice.get("tags/").json()["results"]) == 4


def test_a_patch_cannot_take_another_contacts_phone(alice: Caller, ada: dict[str, Any]) -> None:
    alice.post("contacts/", {"phone": OTHER})

    answer = alice.patch(f"contacts/{ada['uid']}/", {"phone": OTHER})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["phone"]


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ({"search": "ada"}, True),
        ({"search": "love"}, True),
        ({"search": "Ada Love"}, True),
        ({"search": "grace"}, False),
        ({"search": "ADA@ex"}, True),
        ({"search": "030 23125001"}, True),
        ({"search": "125001"}, True),
        ({"search": "999999"}, False),
        ({"search": "'; DROP TABLE --"}, False),
        ({"search": "%"}, False),
        ({"tag": "vip"}, True),
        ({"tag": "other"}, False),
        ({"list": str(uuid.uuid4())}, False),
        ({"updated_since": "2020-01-01T00:00:00Z"}, True),
        ({"updated_since": "2999-01-01T00:00:00Z"}, False),
    ],
)
def test_contacts_are_found_by_filters(
    query: dict[str, str], is_found: bool, alice: Caller, ada: dict[str, Any]
) -> None:
    answer = alice.get("contacts/", **query)

    assert answer.status_code == 200
    assert [row["uid"] for row in answer.json()["results"]] == ([ada["uid"]] if is_found else [])


def test_a_filter_that_makes_no_sense_is_refused(alice: Caller) -> None:
    answer = alice.get("contacts/", updated_since="yesterday")

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["updated_since"]


def test_pages_follow_each_other_without_gaps(alice: Caller) -> None:
    alice.post("contacts/bulk/", {"contacts": [{"phone": f"+493023125{number:03}"} for number in range(25)]})
    seen: list[str] = []
    page = alice.get("contacts/", page_size=10).json()
    while page["next"]:
        seen += [row["uid"] for row in page["results"]]
        page = alice.get(page["next"]).json()
    seen += [row["uid"] for row in page["results"]]

    assert len(seen) == len(set(seen)) == 25


def test_bulk_answers_every_row_and_stores_the_good_ones(alice: Caller, ada: dict[str, Any], bakery: Tenant) -> None:
    rows: list[Any] = [
        {"phone": OTHER, "first_name": "Grace"},
        {"phone": PHONE, "first_name": "Ada"},
        {"phone": PHONE, "first_name": "Augusta"},
        {"phone": "0151"},
        {"phone": OTHER, "nickname": "x"},
        "nonsense",
    ]
    answer = alice.post("contacts/bulk/", {"contacts": rows}).json()

    assert [row["outcome"] for row in answer["results"]] == ["created", "unchanged", "updated"] + ["rejected"] * 3
    assert (answer["created"], answer["updated"], answer["unchanged"], answer["rejected"]) == (1, 1, 1, 3)
    assert [row["index"] for row in answer["results"]] == list(range(6))
    assert answer["results"][1]["uid"] == ada["uid"]
    assert [list(row["errors"]) for row in answer["results"][3:]] == [["phone"], ["nickname"], ["non_field_errors"]]
    with tenant_scope(bakery):
        assert Contact.objects.count() == 2


def test_bulk_takes_ten_thousand_rows_and_no_more(alice: Caller) -> None:
    rows = [{"external_id": str(number)} for number in range(10_001)]

    assert alice.post("contacts/bulk/", {"contacts": rows}).status_code == 400
    assert alice.post("contacts/bulk/", {"contacts": rows[:-1]}).json()["created"] == 10_000


def test_a_repeated_post_with_an_idempotency_key_is_answered_once(alice: Caller, bakery: Tenant) -> None:
    body = {"phone": PHONE, "attributes": {"size": 42}}
    first = alice.post("contacts/", body, **{"Idempotency-Key": "a"})
    second = alice.post("contacts/", body, **{"Idempotency-Key": "a"})

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content


def test_a_list_is_kept_over_the_api(alice: Caller, ada: dict[str, Any]) -> None:
    created = alice.post("lists/", {"name": "Brot"})
    path, stranger = f"lists/{created.json()['uid']}/", str(uuid.uuid4())
    added = alice.post(f"{path}add/", {"contacts": [ada["uid"], stranger]})

    assert created.status_code == 201
    assert added.json() == {"changed": 1, "unknown": [stranger], "restricted": []}
    assert alice.get(path).json()["members"] == 1
    assert [row["uid"] for row in alice.get("contacts/", list=created.json()["uid"]).json()["results"]] == [ada["uid"]]
    assert alice.patch(path, {"name": "Kuchen", "description": "Süßes"}).json()["name"] == "Kuchen"
    assert alice.post("lists/", {"name": "kuchen"}).json()["errors"].keys() == {"name"}
    assert alice.post(f"{path}remove/", {"contacts": [ada["uid"]]}).json()["changed"] == 1
    assert alice.delete(path).status_code == 204
    assert alice.get("lists/").json()["results"] == []
    assert alice.get(f"contacts/{ada['uid']}/").status_code == 200


@pytest.mark.parametrize("noun", ["lists", "tags"])
def test_whoever_is_restricted_is_left_as_they_are_and_named(
    alice: Caller, ada: dict[str, Any], bakery: Tenant, noun: str
) -> None:
    path = f"{noun}/{alice.post(f'{noun}/', {'name': 'Brot'}).json()['uid']}/"
    grace = alice.post("contacts/", {"phone": OTHER}).json()
    alice.post(f"{path}add/", {"contacts": [grace["uid"]]})
    with tenant_scope(bakery):
        Contact.objects.filter(uid__in=[ada["uid"], grace["uid"]]).update(restricted_at=timezone.now())

    for deed, person in (("add", ada), ("remove", grace)):
        answer = alice.post(f"{path}{deed}/", {"contacts": [person["uid"]]}).json()
        assert answer == {"changed": 0, "unknown": [], "restricted": [person["uid"]]}


def test_a_tag_is_kept_over_the_api(alice: Caller, ada: dict[str, Any]) -> None:
    created = alice.post("tags/", {"name": "Brot"})
    path = f"tags/{created.json()['uid']}/"

    assert created.status_code == 201
    assert alice.post(f"{path}add/", {"contacts": [ada["uid"]]}).json()["changed"] == 1
    assert alice.get(f"contacts/{ada['uid']}/").json()["tags"] == ["Brot", "VIP"]
    assert alice.patch(path, {"name": "Kuchen"}).json()["name"] == "Kuchen"
    assert alice.patch(path, {"name": "vip"}).status_code == 400
    assert alice.post(f"{path}remove/", {"contacts": [ada["uid"]]}).json()["changed"] == 1
    assert alice.delete(path).status_code == 204
    assert [row["name"] for row in alice.get("tags/").json()["results"]] == ["VIP"]


def test_one_event_is_recorded_once(alice: Caller, ada: dict[str, Any]) -> None:
    first, second = alice.post("events/", order()), alice.post("events/", order())

    assert (first.json()["created"], second.json()["duplicate"]) == (1, 1)
    [stored] = alice.get("events/").json()["results"]
    assert (stored["id"], stored["contact"], stored["value"], stored["currency"]) == ("1", ada["uid"], "49.90", "EUR")


def test_a_single_event_that_cannot_be_stored_is_an_error(alice: Caller, ada: dict[str, Any]) -> None:
    stranger, costless = alice.post("events/", order(phone=OTHER)), alice.post("events/", order(value=None))

    assert (stranger.status_code, costless.status_code) == (400, 400)
    assert stranger.json()["errors"]["contact"][0].startswith("unknown_contact")
    assert list(costless.json()["errors"]) == ["value"]


def test_a_batch_of_events_is_answered_row_by_row(alice: Caller, ada: dict[str, Any], bakery: Tenant) -> None:
    rows: list[Any] = [
        order("1"),
        order("1"),
        order("2", phone=None, contact=ada["uid"], name="order_refunded"),
        order("3", phone=OTHER),
        order("4", name="Order Placed"),
        order("5", surprise=1),
        order("6", occurred_at="today"),
        7,
    ]
    answer = alice.post("events/", rows)

    outcomes = [row["outcome"] for row in answer.json()["results"]]
    assert answer.status_code == 200
    assert outcomes == ["created", "duplicate", "created"] + ["rejected"] * 5
    assert [next(iter(row["errors"])) for row in answer.json()["results"][3:]] == [
        *("contact", "name", "surprise", "occurred_at", "non_field_errors")
    ]
    with tenant_scope(bakery):
        assert Event.objects.count() == 2


def test_events_are_listed_by_contact_name_and_time(alice: Caller, ada: dict[str, Any]) -> None:
    alice.post("events/", [order("1"), order("2", name="cart_updated", occurred_at="2026-02-01T12:00:00Z")])

    def ids(**query: str) -> list[str]:
        return [row["id"] for row in alice.get("events/", **query).json()["results"]]

    assert ids(contact=ada["uid"]) == ["2", "1"]
    assert ids(contact=str(uuid.uuid4())) == []
    assert ids(name="order_placed") == ["1"]
    assert ids(occurred_since="2026-02-15T00:00:00Z") == ["1"]
    assert ids(occurred_before="2026-02-15T00:00:00Z") == ["2"]


def test_a_key_reaches_only_what_its_scopes_allow(bakery: Tenant, alice: Caller, ada: dict[str, Any]) -> None:
    with tenant_scope(bakery):
        _key, reader = tenancy.issue_key(tenant=bakery, name="Reader", scopes=["contacts:read"], by=None)
        _key, shop = tenancy.issue_key(tenant=bakery, name="Shop", scopes=["events:write"], by=None)

    assert Caller(reader).get("contacts/").status_code == 200
    assert Caller(reader).get("events/").status_code == 200
    assert Caller(reader).post("contacts/", {"phone": OTHER}).status_code == 403
    assert Caller(reader).post("events/", order()).status_code == 403
    assert Caller(shop).post("events/", order()).status_code == 200
    assert Caller(shop).get("contacts/").status_code == 403
    assert Caller("zu_wrong_key").get("contacts/").status_code == 401


def test_changes_over_the_api_are_audited_with_the_key(alice: Caller, ada: dict[str, Any], bakery: Tenant) -> None:
    alice.delete(f"contacts/{ada['uid']}/")

    with tenant_scope(bakery):
        events = AuditEvent.objects.filter(object_uid=ada["uid"]).order_by("pk")
        assert [event.verb for event in events] == ["contact.created", "contact.deleted"]
        assert all(event.api_key_id for event in events)


def test_carol_reaches_nothing_of_the_bakery(alice: Caller, carol: Caller, ada: dict[str, Any], bakery: Tenant) -> None:
    uids = {
        "contacts": ada["uid"],
        "lists": alice.post("lists/", {"name": "Brot"}).json()["uid"],
        "tags": alice.get("tags/").json()["results"][0]["uid"],
    }
    alice.post("events/", order())

    for noun, uid in uids.items():
        random = str(uuid.uuid4())
        calls = [(carol.get, "", ()), (carol.patch, "", ({"name": "x"},)), (carol.delete, "", ())]
        if noun != "contacts":
            calls += [(carol.post, way, ({"contacts": [ada["uid"]]},)) for way in ("add/", "remove/")]
        for call, way, body in calls:
            theirs, nobodys = call(f"{noun}/{uid}/{way}", *body), call(f"{noun}/{random}/{way}", *body)
            assert theirs.status_code == nobodys.status_code == 404
            assert without_request_id(theirs) == without_request_id(nobodys)
        if noun != "tags":
            assert carol.get(f"{noun}/").json()["results"] == []
    assert carol.get("events/").json()["results"] == []
    assert carol.get("events/", contact=ada["uid"]).json()["results"] == []
    assert carol.get("contacts/", list=uids["lists"]).json()["results"] == []
    assert carol.get("contacts/", tag="VIP").json()["results"] == []


def test_carols_writes_cannot_touch_the_bakerys_people(
    alice: Caller, carol: Caller, ada: dict[str, Any], bakery: Tenant
) -> None:
    own = carol.post("lists/", {"name": "Mine"}).json()["uid"]

    theirs = carol.post(f"lists/{own}/add/", {"contacts": [ada["uid"]]})
    assert theirs.json() == {"changed": 0, "unknown": [ada["uid"]], "restricted": []}
    stranger = carol.post("events/", order(phone=None, contact=ada["uid"]))
    nobody = carol.post("events/", order(phone=None, contact=str(uuid.uuid4())))
    assert without_request_id(stranger) == without_request_id(nobody)
    assert carol.post("contacts/", {"phone": PHONE}).status_code == 201

    assert alice.get(f"contacts/{ada['uid']}/").json() == ada
    assert alice.get("events/").json()["results"] == []


def without_request_id(answer: Any) -> dict[str, Any]:
    return {key: value for key, value in answer.json().items() if key != "request_id"}
