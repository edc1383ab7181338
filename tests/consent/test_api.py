"""Consent over the REST API, from the outside."""

from typing import Any
from uuid import uuid4

import pytest
from django.utils.timezone import now

from consent.models import ConsentEvent, ConsentEvidence, Wording, WordingVersion
from contacts.models import Contact
from tenants import actions as tenancy
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, person, stop
from tests.contacts.calls import Caller

YES = {
    "state": "granted",
    "channel": "whatsapp",
    "purpose": "marketing",
    "occurred_at": "2026-03-01T12:00:00Z",
    "source": "Counter form, shop Mitte",
    "wording_text": "Ja, die Bäckerei darf mir per WhatsApp Angebote schicken. Ich bin mindestens 16 Jahre alt.",
    "proof": "form 4711, scanned",
}


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    with tenant_scope(bakery):
        return person(bakery)


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in YES.items() if name not in names}


def test_a_proven_yes_allows_messages(alice: Caller, anna: Contact) -> None:
    answer = alice.post(f"contacts/{anna.uid}/consents/", YES)

    assert answer.status_code == 201, answer.content
    [recorded] = answer.json()["results"]
    assert (recorded["seq"], recorded["state"]) == (1, "granted")
    may = alice.get(f"contacts/{anna.uid}/may-send/", purpose="marketing", channel="whatsapp").json()
    assert (may["allowed"], may["reason"], may["seq"]) == (True, "", 1)


def test_the_proof_is_kept_encrypted_and_the_key_is_named(alice: Caller, anna: Contact, bakery: Tenant) -> None:
    alice.post(f"contacts/{anna.uid}/consents/", YES)

    with tenant_scope(bakery):
        row = ConsentEvent.objects.get()
        assert (row.authority, row.source, row.actor_type) == (1, "api", "api_key")
        assert "4711" not in row.canonical + ConsentEvidence.objects.get().sealed
        assert AuditEvent.objects.filter(verb="consent.granted", object_uid=str(anna.uid)).count() == 1


@pytest.mark.parametrize("missing", ["occurred_at", "source", "proof"])
def test_a_yes_without_proof_is_refused_by_field(alice: Caller, anna: Contact, missing: str) -> None:
    answer = alice.post(f"contacts/{anna.uid}/consents/", without(missing))

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [missing]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"wording_text": "Ja, Newsletter per E-Mail."}, "wording_text"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, "occurred_at"),
        ({"wording": str(uuid4())}, "wording"),
        ({"everything": True}, "everything"),
        ({"channel": "pigeon"}, "channel"),
        ({"purpose": "all"}, "purpose"),
        ({"wrong": 1}, "wrong"),
    ],
)
def test_bad_input_names_its_field(alice: Caller, anna: Contact, changes: dict[str, Any], field: str) -> None:
    answer = alice.post(f"contacts/{anna.uid}/consents/", {**YES, **changes})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_a_yes_can_name_a_published_wording(alice: Caller, anna: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        wording = Wording.objects.create(tenant=bakery, name="Counter")
        versions = [
            WordingVersion.objects.create(
                tenant=bakery, wording=wording, number=n, sha256=str(n) * 64, covers=[["whatsapp", "marketing"]],
                published_at=now(),
            )
            for n in (1, 2)
        ]  # fmt: skip
    said = {**without("wording_text"), "wording": str(wording.uid)}

    answers = [alice.post(f"contacts/{anna.uid}/consents/", {**said, "wording_version": n}) for n in (1, 2, 3)]
    uncovered = alice.post(f"contacts/{anna.uid}/consents/", {**said, "purpose": "tracking"})

    assert [answer.status_code for answer in (*answers, uncovered)] == [201, 201, 400, 400]
    assert "cover" in uncovered.json()["errors"]["wording"][0]
    rows = alice.get(f"contacts/{anna.uid}/consents/").json()["results"]
    assert [row["wording"] for row in rows] == ["Counter v2", "Counter v1"]
    assert rows[0]["wording_sha256"] == versions[1].sha256


def test_the_same_declaration_twice_is_recorded_once(alice: Caller, anna: Contact) -> None:
    first = alice.post(f"contacts/{anna.uid}/consents/", YES).json()["results"][0]
    second = alice.post(f"contacts/{anna.uid}/consents/", YES).json()["results"][0]

    assert (first["event_id"], second["seq"]) == (second["event_id"], None)


def test_a_withdrawal_needs_no_proof_and_acts_at_once(alice: Caller, anna: Contact) -> None:
    alice.post(f"contacts/{anna.uid}/consents/", YES)

    answer = alice.post(f"contacts/{anna.uid}/consents/", {"state": "withdrawn"})

    assert (answer.status_code, len(answer.json()["results"])) == (201, 3)
    may = alice.get(f"contacts/{anna.uid}/may-send/").json()
    assert (may["allowed"], may["reason"]) == (False, "withdrawn")


def test_everything_can_be_withdrawn_and_objected_to(alice: Caller, anna: Contact) -> None:
    path = f"contacts/{anna.uid}/consents/"
    assert alice.post(path, {**YES, "channel": "email"}).status_code == 201

    assert alice.post(path, {"state": "withdrawn", "everything": True}).status_code == 201
    assert alice.get(f"contacts/{anna.uid}/may-send/", channel="email").json()["reason"] == "withdrawn"
    assert alice.post(path, {"state": "objected", "everything": True}).status_code == 201
    assert alice.get(f"contacts/{anna.uid}/may-send/", channel="sms").json()["reason"] == "objected"


def test_no_program_lifts_what_the_person_said(alice: Caller, anna: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        stop(bakery, anna)

    answer = alice.post(f"contacts/{anna.uid}/consents/", YES)

    assert answer.status_code == 409
    assert "suppression list" in answer.json()["detail"]
    with tenant_scope(bakery):
        assert not ConsentEvent.objects.filter(state="granted").exists()


def test_the_ledger_of_a_contact_is_read_in_pages(alice: Caller, anna: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        agree(bakery, person(bakery))
        for _ in range(3):
            agree(bakery, anna)

    first = alice.get(f"contacts/{anna.uid}/consents/", page_size=2).json()
    second = alice.get(first["next"]).json()

    assert [row["seq"] for row in first["results"] + second["results"]] == [4, 3, 2]
    assert second["next"] is None
    assert first["results"][1]["row_hash"] == first["results"][0]["prev_hash"]
    assert "subject_id" not in first["results"][0]


def test_a_template_category_is_judged_too(alice: Caller, anna: Contact) -> None:
    alice.post(f"contacts/{anna.uid}/consents/", YES)

    may = alice.get(f"contacts/{anna.uid}/may-send/", category="UTILITY").json()

    assert (may["allowed"], may["reason"]) == (False, "category_mismatch")
    assert alice.get(f"contacts/{anna.uid}/may-send/", purpose="fun").status_code == 400


@pytest.mark.parametrize("path", ["consents/", "may-send/"])
def test_carols_key_reaches_nothing_of_the_bakery(carol: Caller, anna: Contact, path: str) -> None:
    assert carol.get(f"contacts/{anna.uid}/{path}").status_code == 404


def test_carols_key_declares_nothing_for_the_bakery(carol: Caller, anna: Contact, bakery: Tenant) -> None:
    assert carol.post(f"contacts/{anna.uid}/consents/", YES).status_code == 404
    assert carol.post(f"contacts/{anna.uid}/consents/", {"state": "withdrawn"}).status_code == 404

    with tenant_scope(bakery):
        assert not ConsentEvent.objects.exists()


def test_reading_and_writing_consent_have_scopes_of_their_own(bakery: Tenant, anna: Contact) -> None:
    with tenant_scope(bakery):
        _, secret = tenancy.issue_key(tenant=bakery, name="reader", scopes=["consent:read"], by=None)
    reader = Caller(secret)

    assert reader.get(f"contacts/{anna.uid}/consents/").status_code == 200
    assert reader.post(f"contacts/{anna.uid}/consents/", YES).status_code == 403
