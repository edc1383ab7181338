"""Campaigns over the REST API: written, changed and deleted as drafts, and nobody else's."""

import uuid
from typing import Any

import pytest
from django.test import Client

from campaigns.models import Campaign
from segments import actions as segments
from tenants import actions as tenants
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import draft, launch, listed, stored
from tests.contacts.calls import Caller
from whatsapp.models import Number, Template


def body(template: Template, **fields: Any) -> dict[str, Any]:
    return {
        "name": "Frühling",
        "variants": [{"template": str(template.uid), "variables": factories.VARIABLES}],
        **fields,
    }


def test_a_campaign_is_written_in_one_call(api: Caller, bakery: Tenant, template: Template, number: Number) -> None:
    people = listed(bakery, factories.contacts(bakery, 2))
    others = listed(bakery, [], "Andere")
    with tenant_scope(bakery):
        segment = segments.create(tenant=bakery, name="Alle", rule={}, by=None)
    audience = {
        "include": {"lists": [str(people.uid)], "segments": [str(segment.uid)]},
        "exclude": {"lists": [str(others.uid)]},
    }

    answer = api.post("campaigns/", body(template, audience=audience, number=str(number.uid)))

    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert (made["name"], made["state"], made["number"]) == ("Frühling", "draft", str(number.uid))
    assert made["audience"] == {
        "include": {"lists": [str(people.uid)], "segments": [str(segment.uid)]},
        "exclude": {"lists": [str(others.uid)], "segments": []},
    }
    assert made["variants"] == [
        {"number": 0, "weight": 100, "template": str(template.uid), "variables": factories.VARIABLES}
    ]
    assert api.get(f"campaigns/{made['uid']}/").json() == made
    assert [row["uid"] for row in api.get("campaigns/", state="draft").json()["results"]] == [made["uid"]]
    assert api.get("campaigns/", state="running").json()["results"] == []


def test_a_name_alone_makes_a_draft_on_the_first_number(api: Caller, bakery: Tenant, number: Number) -> None:
    made = api.post("campaigns/", {"name": "Später"}).json()

    assert made["number"] == str(number.uid)
    assert made["timezone"] == "Europe/Berlin"
    with tenant_scope(bakery):
        assert AuditEvent.objects.filter(verb__startswith="campaign.").values_list("verb", flat=True).get() == (
            "campaign.created"
        )


def test_a_patch_changes_what_it_names_and_nothing_else(api: Caller, bakery: Tenant) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 1))
    before = api.get(f"campaigns/{campaign.uid}/").json()

    after = api.patch(f"campaigns/{campaign.uid}/", {"name": "Sommer"}).json()

    assert after == {**before, "name": "Sommer"}


def test_patched_audience_and_variants_replace_what_was_there(api: Caller, bakery: Tenant) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 1), weights=(50, 30, 20))
    other = listed(bakery, [], "Andere")
    template = stored(campaign).variants.model.objects
    with tenant_scope(bakery):
        uid = str(template.filter(campaign=campaign, number=2).get().template.uid)  # type: ignore[union-attr]
    changes = {
        "audience": {"include": {"lists": [str(other.uid), str(other.uid)]}},
        "variants": [{"template": uid, "weight": 70}, {"template": uid, "weight": 30}],
    }

    after = api.patch(f"campaigns/{campaign.uid}/", changes).json()

    assert after["audience"]["include"] == {"lists": [str(other.uid)], "segments": []}
    assert [(v["number"], v["weight"], v["variables"]) for v in after["variants"]] == [(0, 70, {}), (1, 30, {})]


def test_variants_come_by_number_whichever_was_stored_last(api: Caller, bakery: Tenant) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 1), weights=(60, 40))
    with tenant_scope(bakery):
        first = campaign.variants.get(number=0)
        first.delete()
        first.save(force_insert=True)

    assert [variant["number"] for variant in api.get(f"campaigns/{campaign.uid}/").json()["variants"]] == [0, 1]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"name": ""}, "name"),
        ({"number": str(uuid.uuid4())}, "number"),
        ({"audience": {}}, "audience"),
        ({"audience": {"include": {"lists": [str(uuid.uuid4())]}}}, "audience.include.lists"),
        ({"audience": {"include": {"list": []}}}, "audience"),
        ({"variants": []}, "variants"),
        ({"variants": [{"weight": 50}]}, "variants"),
        ({"variants": [{"template": str(uuid.uuid4())}]}, "template"),
        ({"variants": [{"template": "fruehling"}]}, "variants"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_stored(
    api: Caller, bakery: Tenant, change: dict[str, Any], field: str
) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 1))
    before = api.get(f"campaigns/{campaign.uid}/").json()

    answer = api.patch(f"campaigns/{campaign.uid}/", {"name": "Sommer", **change})

    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert api.get(f"campaigns/{campaign.uid}/").json() == before


@pytest.mark.parametrize(
    "variables",
    [
        {"body": "Ada"},
        {"body": [{"name": "1", "from": "password"}]},
        {"body": [{"name": "1", "from": "text", "txt": "Ada"}]},
        {"buttons": [{"kind": "url", "url": "https://shop.example"}]},
        {"buttons": [{"index": 0, "kind": "url"}]},
        {"buttons": [{"index": 0, "kind": "copy_code"}]},
        {"header": {"kind": "text"}},
        {"header": {"kind": "image", "link": "javascript:alert(1)"}},
        {"footer": {}},
    ],
)
def test_misshapen_variables_are_refused_at_the_door(
    api: Caller, bakery: Tenant, template: Template, variables: Any
) -> None:
    answer = api.post(
        "campaigns/", {"name": "x", "variants": [{"template": str(template.uid), "variables": variables}]}
    )

    assert answer.status_code == 400
    assert "variables" in answer.json()["errors"]["variants"]["0"], answer.json()["errors"]
    with tenant_scope(bakery):
        assert not Campaign.objects.exists()


def test_a_launched_campaign_cannot_be_changed_or_deleted(api: Caller, bakery: Tenant) -> None:
    campaign = launch(draft(bakery, factories.contacts(bakery, 1)))

    for answer in (
        api.patch(f"campaigns/{campaign.uid}/", {"name": "Sommer"}),
        api.patch(f"campaigns/{campaign.uid}/", {"audience": {"include": {}}}),
        api.delete(f"campaigns/{campaign.uid}/"),
    ):
        assert answer.status_code == 409
        assert answer.json()["detail"]
    assert stored(campaign).name == "Frühling"


def test_a_draft_is_deleted(api: Caller, bakery: Tenant) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 1), weights=(1, 1))

    assert api.delete(f"campaigns/{campaign.uid}/").status_code == 204
    assert api.get(f"campaigns/{campaign.uid}/").status_code == 404


def test_a_copy_has_audience_and_content_but_not_the_history(api: Caller, bakery: Tenant) -> None:
    campaign = launch(draft(bakery, factories.contacts(bakery, 1), weights=(60, 40)))
    original = api.get(f"campaigns/{campaign.uid}/").json()

    answer = api.post(f"campaigns/{campaign.uid}/duplicate/")

    assert answer.status_code == 201
    copy = answer.json()
    assert (copy["state"], copy["launched_at"]) == ("draft", None)
    assert copy["uid"] != original["uid"]
    for same in ("audience", "variants", "number", "timezone"):
        assert copy[same] == original[same]
    assert api.patch(f"campaigns/{copy['uid']}/", {"name": "Anders"}).status_code == 200


CALLS = [
    ("get", ""),
    ("patch", ""),
    ("delete", ""),
    ("get", "estimate/"),
    *(
        ("post", f"{action}/")
        for action in ("launch", "pause", "resume", "cancel", "schedule", "unschedule", "duplicate", "test-send")
    ),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_carols_key_finds_a_foreign_campaign_as_little_as_an_invented_one(
    carol: Caller, bakery: Tenant, shop: Tenant, method: str, path: str
) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 1))
    own = factories.contacts(factories.number(shop).tenant, 1)[0]
    sent: list[Any] = [{"name": "Meins"}] if method == "patch" else []
    if path == "schedule/":
        sent = [{"local_time": "2030-01-01T10:00:00"}]
    if path == "test-send/":
        sent = [{"contact": str(own.uid)}]

    foreign = getattr(carol, method)(f"campaigns/{campaign.uid}/{path}", *sent)
    invented = getattr(carol, method)(f"campaigns/{uuid.uuid4()}/{path}", *sent)

    assert foreign.status_code == invented.status_code == 404
    assert {**foreign.json(), "request_id": ""} == {**invented.json(), "request_id": ""}
    assert stored(campaign).name == "Frühling"
    assert carol.get("campaigns/").json()["results"] == []


def test_foreign_lists_templates_and_numbers_are_as_unknown_as_invented_ones(
    carol: Caller, bakery: Tenant, shop: Tenant
) -> None:
    foreign = listed(bakery, [])
    number = factories.number(bakery)
    template = factories.template(bakery)

    for fields in (
        {"number": str(number.uid)},
        {"audience": {"include": {"lists": [str(foreign.uid)]}}},
        {"variants": [{"template": str(template.uid)}]},
    ):
        assert carol.post("campaigns/", {"name": "x", **fields}).status_code == 400
    with tenant_scope(shop):
        assert not Campaign.objects.exists()


@pytest.mark.parametrize("page", ["edit/", "edit/audience/", "edit/message/", "edit/review/"])
def test_carols_session_finds_a_foreign_campaign_as_little_as_an_invented_one(
    client: Client, bakery: Tenant, shop: Tenant, page: str
) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 1))
    with tenant_scope(shop):
        carol = shop.memberships.get().user
    client.force_login(carol)

    for tenant in ("shop", "bakery", "nobody"):
        foreign = client.get(f"/{tenant}/campaigns/{campaign.uid}/{page}")
        invented = client.get(f"/{tenant}/campaigns/{uuid.uuid4()}/{page}")
        assert foreign.status_code == invented.status_code == 404


def test_a_key_that_may_only_write_cannot_send(bakery: Tenant) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 1))
    with tenant_scope(bakery):
        _key, secret = tenants.issue_key(
            tenant=bakery, name="Redaktion", scopes=["campaigns:read", "campaigns:write"], by=None
        )
    editor = Caller(secret)

    assert editor.patch(f"campaigns/{campaign.uid}/", {"name": "Sommer"}).status_code == 200
    assert editor.get(f"campaigns/{campaign.uid}/estimate/").status_code == 200
    for action in ("launch", "pause", "resume", "cancel", "schedule", "unschedule", "test-send"):
        assert editor.post(f"campaigns/{campaign.uid}/{action}/").status_code == 403
    assert stored(campaign).state == "draft"


def test_a_template_is_previewed_with_a_contacts_values(api: Caller, bakery: Tenant, template: Template) -> None:
    anna = factories.contacts(bakery, 1)[0]

    shown = api.post(
        f"templates/{template.uid}/preview/", {"contact": str(anna.uid), "variables": factories.VARIABLES}
    ).json()

    assert anna.first_name in shown["body"]
    assert "{{" not in shown["body"]
    assert shown["problems"] == []


def test_a_preview_without_values_shows_what_is_missing(api: Caller, template: Template) -> None:
    shown = api.post(f"templates/{template.uid}/preview/", {}).json()

    assert "{{" in shown["body"]
    assert any("has no value" in problem or "keinen Wert" in problem for problem in shown["problems"])


def test_a_preview_for_an_unknown_contact_is_refused_by_name(api: Caller, template: Template) -> None:
    answer = api.post(f"templates/{template.uid}/preview/", {"contact": str(uuid.uuid4())})

    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"contact"})
