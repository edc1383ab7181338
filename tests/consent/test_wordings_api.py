"""Wordings over the REST API: read with what became of each version, written, published and retired."""

from typing import Any

import pytest
from django.test import Client

from consent.actions import controllers, wordings
from consent.models import Wording, WordingVersion
from tenants import actions as tenancy
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, person, published
from tests.consent.texts import COMPANY, NOTICE, text
from tests.contacts.calls import Caller


@pytest.fixture
def version(bakery: Tenant) -> WordingVersion:
    """The second version of a text, in use; the first is retired, the third a draft."""
    with tenant_scope(bakery):
        first = published(bakery)
        wordings.retire(version=first, by=None)
        second = published(bakery, 2, policy_url="https://sonne.example/datenschutz", policy_version="11/2026")
        wordings.revise(wording=second.wording, by=None)
        return second


def test_texts_are_listed_with_the_version_in_use(alice: Caller, version: WordingVersion) -> None:
    [listed] = alice.get("wordings/").json()["results"]

    assert (listed["uid"], listed["name"]) == (str(version.wording.uid), "Ladenformular")
    assert listed["in_use"] == {
        "number": 2,
        "state": "in_use",
        "texts": version.texts,
        "covers": [
            {"channel": "whatsapp", "purpose": "marketing"},
            {"channel": "whatsapp", "purpose": "tracking"},
        ],
        "policy_url": "https://sonne.example/datenschutz",
        "policy_version": "11/2026",
        "policy_sha256": "",
        "sha256": version.sha256,
        "published_at": "2026-11-20T13:00:00+01:00",
        "retired_at": None,
        "invalid_reason": "",
        "invalidation": None,
    }
    assert alice.get(f"wordings/{version.wording.uid}/").json() == listed


def test_all_versions_are_told_newest_first(alice: Caller, version: WordingVersion) -> None:
    page = alice.get(f"wordings/{version.wording.uid}/versions/").json()

    assert [(one["number"], one["state"]) for one in page["results"]] == [
        (3, "draft"),
        (2, "in_use"),
        (1, "retired"),
    ]


def test_an_invalid_version_says_how_far_its_end_is(alice: Caller, version: WordingVersion, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        agree(bakery, person(bakery), wording=version)
        wordings.declare_invalid(version=version, reason="Falsch.", by=None)

    assert alice.get(f"wordings/{version.wording.uid}/").json()["in_use"] is None
    told = alice.get(f"wordings/{version.wording.uid}/versions/").json()["results"][1]
    assert (told["state"], told["invalid_reason"]) == ("invalid", "Falsch.")
    assert told["invalidation"]["percent"] == 0
    assert told["invalidation"]["finished_at"] is None


def test_nobody_can_agree_to_an_invalid_version_over_the_api(
    alice: Caller, version: WordingVersion, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        anna = person(bakery)
        wordings.declare_invalid(version=version, reason="Falsch.", by=None)
    said = {
        "state": "granted",
        "occurred_at": "2026-03-01T12:00:00Z",
        "source": "Counter form",
        "proof": "form 4711",
        "wording": str(version.wording.uid),
    }

    answer = alice.post(f"contacts/{anna.uid}/consents/", said | {"wording_version": 2})

    assert answer.status_code == 400
    assert "wording" in answer.json()["errors"]


def test_texts_are_read_with_the_scope_to_read_and_not_changed(bakery: Tenant, version: WordingVersion) -> None:
    with tenant_scope(bakery):
        _key, may = tenancy.issue_key(tenant=bakery, name="reader", scopes=["consent:read"], by=None)
        _key, may_not = tenancy.issue_key(tenant=bakery, name="other", scopes=["contacts:read"], by=None)

    assert Caller(may).get("wordings/").status_code == 200
    assert Caller(may_not).get("wordings/").status_code == 403
    assert Caller(may).post("wordings/", {"name": "Neu"}).status_code in (403, 405)


def test_another_companys_texts_are_not_there(carol: Caller, version: WordingVersion) -> None:
    assert carol.get("wordings/").json()["results"] == []
    assert carol.get(f"wordings/{version.wording.uid}/").status_code == 404
    assert carol.get(f"wordings/{version.wording.uid}/versions/").status_code == 404


# Writing


@pytest.fixture
def company(bakery: Tenant) -> None:
    """The bakery has said who it is."""
    with tenant_scope(bakery):
        controllers.update(tenant=bakery, by=None, legal_name=COMPANY, privacy_url=NOTICE)


def written(alice: Caller, **changed: Any) -> dict[str, Any]:
    """A new draft that may be published, as the API answers it."""
    given = {
        "name": "Newsletter",
        "texts": {"de": text(notice="")},
        "covers": [{"channel": "whatsapp", "purpose": "marketing"}],
        "policy_version": "11/2026",
        "policy_sha256": "C0FFEE" * 10 + "1234",
    }
    answer = alice.post("wordings/", given | changed)
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def publish(calls: Caller, address: str, sha256: str = "") -> Any:
    """The draft is published as it was read."""
    checked = sha256 or calls.get(f"{address}draft/").json().get("sha256", "0" * 64)
    return calls.post(f"{address}draft/publish/", {"sha256": checked})


def test_a_text_is_written_published_and_agreed_to_in_the_dashboards_way(
    alice: Caller, bakery: Tenant, company: None
) -> None:
    draft = written(alice)
    address = f"wordings/{draft['wording']}/"
    assert (draft["name"], draft["version"]["number"], draft["version"]["state"]) == ("Newsletter", 1, "draft")
    assert draft["findings"] == []
    assert alice.get(f"{address}draft/").json() == draft
    assert alice.get(address).json()["in_use"] is None

    published_ = publish(alice, address).json()

    assert published_["sha256"] == draft["sha256"]
    assert (published_["state"], published_["policy_url"]) == ("in_use", NOTICE)
    assert published_["policy_version"] == "11/2026"
    assert published_["policy_sha256"] == ("c0ffee" * 10 + "1234")
    assert len(published_["sha256"]) == 64
    assert alice.get(address).json()["in_use"] == published_
    assert alice.get(f"{address}draft/").status_code == 404
    with tenant_scope(bakery):
        verbs = AuditEvent.objects.filter(verb__startswith="wording.").order_by("pk")
        assert [(event.verb, event.api_key is not None) for event in verbs] == [
            ("wording.created", True),
            ("wording.published", True),
        ]


def test_what_a_text_covers_is_stored_once_however_often_it_is_given(alice: Caller, company: None) -> None:
    covered = {"channel": "whatsapp", "purpose": "marketing"}

    assert written(alice, covers=[covered, covered])["version"]["covers"] == [covered]


def test_an_open_duty_is_told_with_its_remedy_and_keeps_the_text_from_people(
    alice: Caller, bakery: Tenant, company: None
) -> None:
    draft = written(alice, texts={"de": text(way_out="", notice="")})
    assert [found["rule"] for found in draft["findings"]]
    assert all(found["problem"] and found["remedy"] for found in draft["findings"])

    refused = publish(alice, f"wordings/{draft['wording']}/")

    assert refused.status_code == 409
    assert draft["findings"][0]["remedy"] in refused.json()["detail"]
    with tenant_scope(bakery):
        assert WordingVersion.objects.get().state == "draft"


def test_a_text_is_checked_without_being_stored(alice: Caller, bakery: Tenant, company: None) -> None:
    covers = [{"channel": "whatsapp", "purpose": "marketing"}]

    good = alice.post("wordings/lint/", {"texts": {"de": text(notice="")}, "covers": covers})
    bad = alice.post("wordings/lint/", {"texts": {"de": "Ja."}})

    assert good.json() == {"findings": []}
    assert {found["duty"] for found in bad.json()["findings"]} >= {"covers"}
    with tenant_scope(bakery):
        assert not Wording.objects.exists()


def test_the_next_version_starts_from_the_last_one_and_a_draft_is_started_once(
    alice: Caller, bakery: Tenant, version: WordingVersion
) -> None:
    address = f"wordings/{version.wording.uid}/draft/"

    started, again = alice.post(address).json(), alice.post(address).json()

    assert started == again
    assert (started["version"]["number"], started["version"]["texts"]) == (3, version.texts)


def test_what_is_not_given_stays_and_what_is_published_cannot_be_changed(
    alice: Caller, bakery: Tenant, company: None
) -> None:
    draft = written(alice)
    address = f"wordings/{draft['wording']}/"

    changed = alice.patch(f"{address}draft/", {"texts": {"de": text(often="", notice="")}}).json()

    assert (changed["name"], changed["version"]["covers"]) == ("Newsletter", draft["version"]["covers"])
    assert changed["version"]["texts"] != draft["version"]["texts"]
    assert changed["findings"]
    alice.patch(f"{address}draft/", {"texts": {"de": text(notice="")}, "name": "Brief"})
    publish(alice, address)
    assert alice.patch(f"{address}draft/", {"name": "Zu spät"}).status_code == 404
    same = alice.post(f"{address}draft/")
    assert publish(alice, address).status_code == 409
    assert same.json()["name"] == "Brief"


def test_a_draft_is_discarded_and_a_text_that_was_never_published_goes_with_it(
    alice: Caller, bakery: Tenant, version: WordingVersion
) -> None:
    draft = written(alice)

    assert alice.delete(f"wordings/{draft['wording']}/draft/").status_code == 204
    assert alice.delete(f"wordings/{version.wording.uid}/draft/").status_code == 204

    assert alice.get(f"wordings/{draft['wording']}/").status_code == 404
    assert alice.get(f"wordings/{version.wording.uid}/").json()["in_use"]["number"] == 2


def test_a_version_is_retired_once(alice: Caller, version: WordingVersion) -> None:
    address = f"wordings/{version.wording.uid}/versions/2/retire/"

    assert alice.post(address).json()["state"] == "retired"
    assert alice.post(address).status_code == 409
    assert alice.get(f"wordings/{version.wording.uid}/").json()["in_use"] is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"texts": {"fr": "Oui."}}, "texts"),
        ({"texts": {"de": "x" * 4001}}, "texts"),
        ({"covers": [{"channel": "all", "purpose": "marketing"}]}, "covers"),
        ({"policy_sha256": "abc"}, "policy_sha256"),
        ({"name": "Ladenformular"}, "name"),
        ({"publish": True}, "publish"),
    ],
)
def test_what_is_wrong_is_told_by_field(
    alice: Caller, version: WordingVersion, given: dict[str, Any], field: str
) -> None:
    answer = alice.post("wordings/", {"name": "Neu"} | given)

    assert answer.status_code == 400
    assert field in str(answer.json()["errors"])


@pytest.mark.parametrize("scopes", [["consent:read"], ["consent:read", "consent:write"]])
def test_writing_needs_its_own_scope_and_checking_the_one_to_read(
    bakery: Tenant, version: WordingVersion, scopes: list[str]
) -> None:
    with tenant_scope(bakery):
        _key, reader = tenancy.issue_key(tenant=bakery, name="reader", scopes=scopes, by=None)
    calls, address = Caller(reader), f"wordings/{version.wording.uid}/"

    assert calls.post("wordings/lint/", {}).status_code == 200
    assert calls.get(f"{address}draft/").status_code == 200
    assert calls.post("wordings/", {"name": "Neu"}).status_code == 403
    assert calls.post(f"{address}draft/").status_code == 403
    assert calls.patch(f"{address}draft/", {"name": "Neu"}).status_code == 403
    assert calls.delete(f"{address}draft/").status_code == 403
    assert publish(calls, address).status_code == 403
    assert calls.post(f"{address}versions/2/retire/").status_code == 403


def test_a_key_for_texts_writes_them_and_is_named_beside_what_it_published(
    client: Client, bakery_made: NewTenant, bakery: Tenant, version: WordingVersion, company: None
) -> None:
    with tenant_scope(bakery):
        scopes = ["consent:read", "wordings:write"]
        key, secret = tenancy.issue_key(tenant=bakery, name="Kanzlei", scopes=scopes, by=None)
    calls = Caller(secret)
    draft = written(calls)

    publish(calls, f"wordings/{draft['wording']}/")

    with tenant_scope(bakery):
        assert WordingVersion.objects.get(wording__name="Newsletter").published_by_key == key
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    page = client.get(f"/bakery/wordings/{draft['wording']}/").content.decode()
    assert "by the API key “Kanzlei”" in page


def test_only_the_draft_that_was_checked_is_published(alice: Caller, bakery: Tenant, company: None) -> None:
    draft = written(alice)
    address = f"wordings/{draft['wording']}/"
    alice.patch(f"{address}draft/", {"covers": [{"channel": "whatsapp", "purpose": "survey"}]})

    stale = publish(alice, address, draft["sha256"])

    assert stale.status_code == 409
    assert "changed since you checked it" in stale.json()["detail"]
    assert alice.post(f"{address}draft/publish/", {}).status_code == 400
    with tenant_scope(bakery):
        assert WordingVersion.objects.get().state == "draft"


def test_two_who_change_different_parts_of_a_draft_at_once_both_keep_theirs(bakery: Tenant, company: None) -> None:
    with tenant_scope(bakery):
        given: dict[str, Any] = {"name": "Brief", "texts": {"de": "Ja."}, "covers": [("whatsapp", "marketing")]}
        draft = wordings.create(tenant=bakery, by=None, **given)
        stale = WordingVersion.objects.get()
        wordings.save_draft(version=draft, texts={"de": "Ja, gern."}, by=None)

        wordings.save_draft(version=stale, policy_version="12/2026", by=None)

        stored = WordingVersion.objects.get()
    assert (stored.texts, stored.policy_version) == ({"de": "Ja, gern."}, "12/2026")


def test_nobody_writes_to_another_companys_texts(carol: Caller, bakery: Tenant, version: WordingVersion) -> None:
    address = f"wordings/{version.wording.uid}/"

    for answer in (
        publish(carol, address),
        carol.post(f"{address}draft/"),
        carol.patch(f"{address}draft/", {"name": "Meins"}),
        carol.delete(f"{address}draft/"),
        carol.post(f"{address}versions/2/retire/"),
    ):
        assert answer.status_code == 404
    with tenant_scope(bakery):
        assert [one.state for one in WordingVersion.objects.order_by("number")] == ["retired", "in_use", "draft"]


def test_openapi_says_how_a_text_is_written(client: Client) -> None:
    paths = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()["paths"]

    draft = paths["/api/v1/wordings/{uid}/draft/"]
    assert set(draft) == {"get", "post", "patch", "delete"}
    assert draft["patch"]["requestBody"]
    assert paths["/api/v1/wordings/{uid}/draft/publish/"]["post"]["requestBody"]
    assert paths["/api/v1/wordings/lint/"]["post"]["requestBody"]
    assert paths["/api/v1/wordings/{uid}/versions/{number}/retire/"]["post"]
