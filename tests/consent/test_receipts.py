"""Receipts of consent: their structure, their signature, and that nothing altered passes for genuine."""

import copy
import hashlib
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from consent.actions import controllers, declarations, wordings
from consent.ledger import anchoring
from consent.models import ConsentEvent, Controller, Source
from contacts.models import Contact
from tenants import actions as tenancy
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, altered, person, published, stop, wording_text
from tests.consent.texts import COMPANY, text
from tests.contacts.calls import Caller

# consent-gdpr § 11.
FIELDS = {
    *("schema_version", "receipt_id", "record_id", "issued_at", "jurisdiction", "controller", "processor"),
    *("principal", "language", "wording", "notice", "purposes", "channel", "collection_method", "events"),
    *("withdrawal_method", "rights", "authority", "chain", "signature", "kantara", "confirmation"),
}


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    """Anna agreed to a published wording, whose company has filled in who it is."""
    with tenant_scope(bakery):
        Controller.objects.create(
            tenant=bakery,
            legal_name="Bäckerei Sonne GmbH",
            street="Hauptstraße 1",
            postcode="10115",
            city="Berlin",
            email="datenschutz@sonne.example",
            officer="Dr. Eva Groß",
            privacy_url="https://sonne.example/datenschutz",
        )
        anna = person(bakery, first_name="Anna", phone="+493023125001")
        agree(bakery, anna, wording=published(bakery), language="de", age_confirmed=True)
        return anna


@pytest.fixture
def logged_in(client: Client, bakery_made: NewTenant) -> Client:
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    return client


def path(tenant: Tenant, contact: Contact, seq: int = 1) -> str:
    with tenant_scope(tenant):
        return f"contacts/{contact.uid}/consents/{ConsentEvent.objects.get(seq=seq).event_id}/receipt"


@pytest.fixture
def receipt(alice: Caller, anna: Contact, bakery: Tenant) -> dict[str, Any]:
    answer = alice.get(f"{path(bakery, anna)}/")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def verdict(caller: Caller, document: Any) -> tuple[bool, list[str]]:
    """Whether the API calls it genuine, and the checks that failed."""
    answer = caller.post("receipts/verify/", document)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    return body["is_genuine"], [check["name"] for check in body["checks"] if not check["is_good"]]


def test_a_receipt_says_who_agreed_to_what_and_how_to_take_it_back(receipt: dict[str, Any]) -> None:
    assert set(receipt) >= FIELDS
    assert receipt["schema_version"] == "ISO/IEC TS 27560:2023"
    assert receipt["controller"]["name"] == "Bäckerei Sonne GmbH"
    assert receipt["controller"]["data_protection_officer"]["name"] == "Dr. Eva Groß"
    assert receipt["wording"]["text"] == wording_text()
    assert (receipt["wording"]["name"], receipt["wording"]["version"]) == ("Ladenformular", 1)
    [purpose] = receipt["purposes"]
    assert (purpose["purpose"], purpose["channel"], purpose["dpv"]) == ("marketing", "whatsapp", "dpv:DirectMarketing")
    assert purpose["third_country"]["country"] == "US"
    assert "STOPP" in receipt["withdrawal_method"]
    assert "datenschutz@sonne.example" in receipt["withdrawal_method"]
    [event] = receipt["events"]
    assert (event["state"], event["dpv"], event["state_text"]) == (
        "granted",
        "dpv:ConsentGiven",
        "Einwilligung erteilt",
    )


def test_a_receipt_of_a_yes_to_e_mail_names_no_way_out_by_whatsapp(
    alice: Caller, anna: Contact, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        [row] = agree(bakery, anna, pairs=[("email", "marketing")])

    assert row.seq
    method = alice.get(f"{path(bakery, anna, row.seq)}/").json()["withdrawal_method"]

    assert "STOPP" not in method
    assert "link" in method.lower()
    assert "datenschutz@sonne.example" in method


def test_a_receipt_names_the_processor_as_the_contract_of_art_28_does(
    logged_in: Client, anna: Contact, bakery: Tenant, settings: Any
) -> None:
    settings.OPERATOR_NAME, settings.OPERATOR_ADDRESS = "Zusage Betrieb GmbH", "Kai 1, Kiel"

    document = logged_in.get(f"/bakery/{path(bakery, anna)}.json").json()
    page = logged_in.get(f"/bakery/{path(bakery, anna)}.html").content.decode()

    assert (document["processor"]["name"], document["processor"]["address"]) == ("Zusage Betrieb GmbH", "Kai 1, Kiel")
    assert "Zusage Betrieb GmbH, als Auftragsverarbeiter (Art. 28 DSGVO)" in document["purposes"][0]["recipients"]
    assert "Zusage Betrieb GmbH, Kai 1, Kiel (Art. 28 DSGVO)" in page


def test_kantaras_names_stand_beside(receipt: dict[str, Any]) -> None:
    kantara = receipt["kantara"]

    assert kantara["version"] == "KI-CR-v1.1.0"
    assert kantara["consentReceiptID"] == receipt["receipt_id"]
    assert kantara["piiPrincipalId"] == receipt["principal"]["reference"]
    assert kantara["publicKey"] == receipt["signature"]["public_key"]
    assert kantara["services"][0]["purposes"][0]["consentType"] == "EXPLICIT"
    assert kantara["policyUrl"] == "https://sonne.example/datenschutz"


def test_a_receipt_holds_neither_name_nor_number_of_the_person(receipt: dict[str, Any]) -> None:
    text = json.dumps(receipt, ensure_ascii=False)

    assert "Anna" not in text
    assert "23125001" not in text


def test_what_was_said_later_stands_in_a_later_receipt(
    alice: Caller, anna: Contact, bakery: Tenant, receipt: dict[str, Any]
) -> None:
    with tenant_scope(bakery):
        stop(bakery, anna)

    later = alice.get(f"{path(bakery, anna)}.json").json()

    assert later["receipt_id"] != receipt["receipt_id"]
    assert [(e["state"], e["dpv"], e["is_subject"]) for e in later["events"]] == [
        ("granted", "dpv:ConsentGiven", True),
        ("withdrawn", "dpv:ConsentWithdrawn", False),
    ]


def test_anybody_can_check_hashes_and_signature_with_what_stands_in_it(receipt: dict[str, Any]) -> None:
    """Written without our code, as a stranger would."""
    chain, signature = receipt["chain"], receipt.pop("signature")

    row_hash = hashlib.sha256(bytes.fromhex(chain["prev_hash"]) + chain["canonical"].encode()).hexdigest()
    signed = json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    agreed = {name: receipt["wording"][name] for name in ("texts", "covers")}
    wording = json.dumps(agreed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    assert row_hash == chain["row_hash"]
    assert hashlib.sha256(wording).hexdigest() == receipt["wording"]["sha256"]
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature["public_key"]))
    key.verify(bytes.fromhex(signature["value"]), signed)
    with pytest.raises(InvalidSignature):
        key.verify(bytes.fromhex(signature["value"]), signed + b" ")


def test_a_genuine_receipt_is_recognised_whatever_its_layout(alice: Caller, receipt: dict[str, Any]) -> None:
    turned = json.loads(json.dumps(dict(reversed(receipt.items())), indent=4))

    assert verdict(alice, receipt) == (True, [])
    assert verdict(alice, turned) == (True, [])


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "state": lambda r: r["events"][0].update(state="withdrawn"),
    "text": lambda r: r["wording"].update(text="Ja zu allem."),
    "company": lambda r: r["controller"].update(name="Andere GmbH"),
    "time": lambda r: r.update(issued_at="2020-01-01T00:00:00.000000Z"),
    "hash": lambda r: r["chain"].update(row_hash="0" * 64),
    "new field": lambda r: r.update(note="added"),
    "field gone": lambda r: r.pop("rights"),
    "signature": lambda r: r["signature"].update(value="00" * 64),
    "no signature": lambda r: r.pop("signature"),
    "not hex": lambda r: r["signature"].update(value="zz"),
    "unknown key": lambda r: r["signature"].update(key_id="nobody's"),
    "other key": lambda r: r["signature"].update(public_key="11" * 32),
}


@pytest.mark.parametrize("what", CHANGES)
def test_an_altered_receipt_is_not_genuine(alice: Caller, receipt: dict[str, Any], what: str) -> None:
    changed = copy.deepcopy(receipt)
    CHANGES[what](changed)

    assert verdict(alice, changed) == (False, ["signature"])


@pytest.mark.parametrize("document", [{}, [], {"schema_version": "1"}])
def test_something_else_is_no_receipt(alice: Caller, document: Any) -> None:
    assert verdict(alice, document) == (False, ["form"])


def test_the_receipt_of_another_company_is_not_ours(carol: Caller, receipt: dict[str, Any]) -> None:
    assert verdict(carol, receipt) == (False, ["ledger"])


def test_a_row_that_is_gone_from_the_ledger_fails(
    alice: Caller, anna: Contact, bakery: Tenant, receipt: dict[str, Any]
) -> None:
    with tenant_scope(bakery):
        altered(lambda: ConsentEvent.objects.all().delete())

    assert verdict(alice, receipt) == (False, ["ledger"])


def test_the_signed_end_of_the_ledger_is_in_it_from_the_day_on(alice: Caller, anna: Contact, bakery: Tenant) -> None:
    assert alice.get(f"{path(bakery, anna)}/").json()["chain"]["anchor"] is None
    signed = anchoring.anchor(bakery)
    assert signed

    anchor = alice.get(f"{path(bakery, anna)}/").json()["chain"]["anchor"]

    assert (anchor["text"], anchor["seq"]) == (signed.text, 1)


def test_a_receipt_is_written_in_the_language_in_which_the_person_agreed(alice: Caller, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        kim = person(bakery)
        agree(bakery, kim, wording=published(bakery), language="en_GB")

    found = alice.get(f"{path(bakery, kim)}/").json()

    assert found["language"] == "en"
    assert found["wording"]["text"] == wording_text("en")
    assert found["events"][0]["state_text"] == "Consent given"


def test_a_receipt_names_the_notice_that_the_text_was_published_with(alice: Caller, bakery: Tenant) -> None:
    notice = {"url": "https://sonne.example/datenschutz", "version": "11/2026", "sha256": "c0ffee" * 10 + "1234"}
    with tenant_scope(bakery):
        kim = person(bakery)
        version = wordings.create(
            tenant=bakery,
            name="Newsletter",
            texts={"de": text()},
            covers=[("whatsapp", "marketing")],
            policy_version=notice["version"],
            policy_sha256=notice["sha256"],
            by=None,
        )
        controllers.update(tenant=bakery, by=None, legal_name=COMPANY, privacy_url=notice["url"])
        agree(bakery, kim, wording=wordings.publish(version=version, by=None), language="de")

    found = alice.get(f"{path(bakery, kim)}/").json()
    sheet = alice.get(f"{path(bakery, kim)}.html").content.decode()

    assert found["notice"] == notice
    assert all(value in sheet for value in notice.values())
    assert verdict(alice, found) == (True, [])


def test_an_objection_to_everything_names_what_it_reaches(alice: Caller, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        bert = person(bakery)
        declarations.object_(tenant=bakery, contact=bert, dedupe="o", source=Source.AGENT)

    found = alice.get(f"{path(bakery, bert)}/").json()

    assert len(found["purposes"]) == 15
    assert "transactional" not in {purpose["purpose"] for purpose in found["purposes"]}
    assert verdict(alice, found) == (True, [])


def test_page_and_paper_are_made_of_the_same(alice: Caller, anna: Contact, bakery: Tenant) -> None:
    page = alice.get(f"{path(bakery, anna)}.html")
    paper = alice.get(f"{path(bakery, anna)}.pdf")

    text = page.content.decode()
    assert page["Content-Type"].startswith("text/html")
    assert "Einwilligungsbeleg" in text
    assert wording_text() in text
    assert "Hauptstraße 1, 10115 Berlin, DE" in text
    assert "20.11.2026, 13:00:00 Uhr (UTC+01:00)" in text
    assert "<script" not in text
    assert "style=" not in text
    assert paper["Content-Type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF")


def test_who_took_a_receipt_is_written_down(bakery: Tenant, receipt: dict[str, Any]) -> None:
    with tenant_scope(bakery):
        [taken] = AuditEvent.objects.filter(verb="consent.receipt_issued")

    assert taken.changes == {"receipt": receipt["receipt_id"], "seq": 1}
    assert taken.api_key_id


def test_receipts_need_the_scope_and_the_right_contact(
    alice: Caller, carol: Caller, anna: Contact, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        other = person(bakery)
        _key, secret = tenancy.issue_key(tenant=bakery, name="Shop", scopes=["contacts:read"], by=None)
    own = path(bakery, anna)

    assert carol.get(f"{own}/").status_code == 404
    assert alice.get(own.replace(str(anna.uid), str(other.uid)) + "/").status_code == 404
    for kind in ("/", ".json", ".html", ".pdf"):
        assert Caller(secret).get(f"{own}{kind}").status_code == 403


def test_the_dashboard_hands_out_all_three(logged_in: Client, alice: Caller, anna: Contact, bakery: Tenant) -> None:
    own = f"/bakery/{path(bakery, anna)}"

    document = logged_in.get(f"{own}.json")

    assert "attachment" in document["Content-Disposition"]
    assert verdict(alice, document.json()) == (True, [])
    assert "Einwilligungsbeleg" in logged_in.get(f"{own}.html").content.decode()
    assert logged_in.get(f"{own}.pdf").content.startswith(b"%PDF")


def uploaded(client: Client, content: bytes) -> Any:
    return client.post("/bakery/receipts/verify/", {"file": SimpleUploadedFile("receipt.json", content)})


def test_the_dashboard_says_whether_a_receipt_is_genuine(logged_in: Client, receipt: dict[str, Any]) -> None:
    genuine = uploaded(logged_in, json.dumps(receipt).encode())
    receipt["wording"]["text"] = "Ja zu allem."
    forged = uploaded(logged_in, json.dumps(receipt).encode())

    assert "This receipt is genuine" in genuine.content.decode()
    assert "This receipt is not genuine" in forged.content.decode()
    assert "Not signed by us, or altered since" in forged.content.decode()


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"%PDF-1.4", "This is not JSON."), (b" " * (1024 * 1024 + 1), "This file is larger than any receipt.")],
)
def test_a_file_that_is_no_receipt_is_refused_at_its_field(logged_in: Client, content: bytes, told: str) -> None:
    answer = uploaded(logged_in, content)

    assert answer.status_code == 422
    assert told in answer.content.decode()


def command(file: Path) -> str:
    out = StringIO()
    call_command("verify_receipt", str(file), stdout=out, no_color=True)
    return out.getvalue()


def test_the_command_recognises_genuine_and_altered_receipts(receipt: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt))
    assert "This receipt is genuine." in command(file)

    receipt["events"][0]["state"] = "withdrawn"
    file.write_text(json.dumps(receipt))

    with pytest.raises(CommandError, match="not genuine"):
        command(file)


def test_the_command_says_what_it_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read as JSON"):
        command(tmp_path / "nothing.json")
