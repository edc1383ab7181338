"""Segments over the REST API: saved, counted, looked at, and out of Carol's reach."""

import uuid
from typing import Any

import pytest
from django.db import connection

from campaigns.models import Audience, Campaign
from segments import queries
from segments.models import Segment
from tenants import actions as tenancy
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests.contacts.calls import Caller

COLOGNE = {"field": "postcode", "op": "starts_with", "value": "50"}
ADA = {"field": "first_name", "op": "is", "value": "ada"}


@pytest.fixture
def people(alice: Caller) -> None:
    """Twelve people in Cologne, one of them Ada, and three in Berlin."""
    rows = [
        {"phone": f"+493023125{number:03}", "postcode": "50667" if number < 12 else "10115"} for number in range(15)
    ]
    rows[0]["first_name"] = "Ada"
    assert alice.post("contacts/bulk/", {"contacts": rows}).json()["created"] == 15


@pytest.fixture
def cologne(alice: Caller) -> dict[str, Any]:
    stored: dict[str, Any] = alice.post("segments/", {"name": "Köln", "rule": COLOGNE}).json()
    return stored


def test_a_segment_is_saved_changed_and_deleted(alice: Caller, cologne: dict[str, Any], bakery: Tenant) -> None:
    path = f"segments/{cologne['uid']}/"

    assert alice.get(path).json() == cologne
    assert cologne["rule"] == COLOGNE
    assert alice.patch(path, {"name": "Adas", "rule": ADA}).json()["rule"] == ADA
    assert [row["name"] for row in alice.get("segments/").json()["results"]] == ["Adas"]
    assert alice.delete(path).status_code == 204
    assert alice.get(path).status_code == 404
    with tenant_scope(bakery):
        verbs = AuditEvent.objects.filter(object_uid=cologne["uid"]).order_by("pk").values_list("verb", flat=True)
        assert list(verbs) == ["segment.created", "segment.updated", "segment.deleted"]


def test_a_faulty_rule_is_refused_by_the_path_of_its_node(alice: Caller, cologne: dict[str, Any]) -> None:
    rule = {"op": "and", "rules": [COLOGNE, {"field": "first_name", "op": "is", "value": 7}]}

    for answer in (
        alice.post("segments/", {"name": "x", "rule": rule}),
        alice.post("segments/preview/", {"rule": rule}),
        alice.patch(f"segments/{cologne['uid']}/", {"rule": rule}),
    ):
        assert answer.status_code == 400
        assert list(answer.json()["errors"]["rule"]) == ["rules[1].value"]
    assert alice.get(f"segments/{cologne['uid']}/").json()["rule"] == COLOGNE


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "köln", "rule": {}}, "name"),
        ({"name": " ", "rule": {}}, "name"),
        ({"name": "x"}, "rule"),
        ({"name": "x", "rule": []}, "rule"),
        ({"name": "x", "rule": {}, "sql": "1=1"}, "sql"),
    ],
)
def test_what_cannot_be_saved_is_refused_by_field(
    body: dict[str, Any], field: str, alice: Caller, cologne: dict[str, Any]
) -> None:
    answer = alice.post("segments/", body)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_a_segment_is_counted_now(alice: Caller, people: None, cologne: dict[str, Any]) -> None:
    assert alice.get(f"segments/{cologne['uid']}/count/").json()["count"] == 12
    alice.post("contacts/", {"phone": "+493023125900", "postcode": "50999"})
    assert alice.get(f"segments/{cologne['uid']}/count/").json()["count"] == 13


def test_a_preview_shows_ten_people_and_what_each_condition_does(alice: Caller, people: None) -> None:
    rule = {"op": "and", "rules": [COLOGNE, {"op": "not", "rules": [ADA]}]}

    found = alice.post("segments/preview/", {"rule": rule}).json()

    counts = {node["path"]: node["count"] for node in found["nodes"]}
    assert counts == {"": 11, "rules[0]": 12, "rules[1]": 14, "rules[1].rules[0]": 1}
    assert found["count"] == 11
    assert len(found["sample"]) == 10
    assert found["sample"][0]["phone"] == "+493023125011"
    assert alice.get("segments/").json()["results"] == []


def test_a_saved_segment_has_the_same_preview(alice: Caller, people: None, cologne: dict[str, Any]) -> None:
    saved = alice.get(f"segments/{cologne['uid']}/preview/").json()
    unsaved = alice.post("segments/preview/", {"rule": COLOGNE}).json()

    assert saved | {"at": None} == unsaved | {"at": None}


def test_an_empty_rule_is_everyone(alice: Caller, people: None) -> None:
    assert alice.post("segments/preview/", {"rule": {}}).json()["count"] == 15


def test_a_condition_on_something_deleted_stops_the_segment(alice: Caller, people: None) -> None:
    tag = alice.post("tags/", {"name": "Gesperrt"}).json()["uid"]
    rule = {"op": "and", "rules": [COLOGNE, {"tag": tag, "op": "has_not"}]}
    segment = alice.post("segments/", {"name": "x", "rule": rule}).json()["uid"]
    assert alice.get(f"segments/{segment}/count/").json()["count"] == 12

    alice.delete(f"tags/{tag}/")

    answer = alice.get(f"segments/{segment}/count/")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]["rule"]) == ["rules[1].tag"]


def test_a_count_that_takes_too_long_is_broken_off_and_told(in_bakery: Tenant) -> None:
    with pytest.raises(queries.TookTooLong), queries.at_most(0.05), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")

    assert queries.count(in_bakery, {}) == 0
    assert queries.preview(in_bakery, {}, seconds=0).count is None


def test_a_segment_that_a_campaign_uses_cannot_be_deleted(
    alice: Caller, cologne: dict[str, Any], bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        campaign = Campaign.objects.create(tenant=bakery, name="Frühling")
        Audience.objects.create(tenant=bakery, campaign=campaign, segment=Segment.objects.get())

    answer = alice.delete(f"segments/{cologne['uid']}/")

    assert answer.status_code == 409
    assert "campaign" in answer.json()["detail"]
    assert alice.get(f"segments/{cologne['uid']}/").status_code == 200


def test_reading_scopes_suffice_for_looking_and_no_more(alice: Caller, cologne: dict[str, Any], bakery: Tenant) -> None:
    with tenant_scope(bakery):
        _key, secret = tenancy.issue_key(tenant=bakery, name="Reader", scopes=["segments:read"], by=None)
    reader = Caller(secret)

    assert reader.get(f"segments/{cologne['uid']}/preview/").status_code == 200
    assert reader.post("segments/preview/", {"rule": {}}).status_code == 200
    assert reader.post("segments/", {"name": "x", "rule": {}}).status_code == 403
    assert reader.delete(f"segments/{cologne['uid']}/").status_code == 403


def test_carol_reaches_nothing_of_the_bakery(
    alice: Caller, carol: Caller, people: None, cologne: dict[str, Any]
) -> None:
    ways: list[tuple[Any, str, tuple[Any, ...]]] = [
        (carol.get, "", ()),
        (carol.patch, "", ({"name": "x"},)),
        (carol.delete, "", ()),
        (carol.get, "count/", ()),
        (carol.get, "preview/", ()),
    ]
    for call, way, body in ways:
        theirs = call(f"segments/{cologne['uid']}/{way}", *body)
        nobodys = call(f"segments/{uuid.uuid4()}/{way}", *body)
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json() | {"request_id": ""} == nobodys.json() | {"request_id": ""}
    assert carol.get("segments/").json()["results"] == []
    assert carol.post("segments/preview/", {"rule": {}}).json()["count"] == 0
    tag = alice.post("tags/", {"name": "VIP"}).json()["uid"]
    named, random = (
        carol.post("segments/preview/", {"rule": {"tag": uid, "op": "has_not"}}) for uid in (tag, str(uuid.uuid4()))
    )
    assert named.status_code == random.status_code == 400
    assert named.json() | {"request_id": ""} == random.json() | {"request_id": ""}
