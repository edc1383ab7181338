"""Wordings over the REST API: read, with what became of each version."""

import pytest

from consent.actions import wordings
from consent.models import WordingVersion
from tenants import actions as tenancy
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, person, published
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


def test_texts_are_read_with_the_scope_and_changed_by_nobody(bakery: Tenant, version: WordingVersion) -> None:
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
