"""Imports over the REST API: upload, mapping, check, run, cancel, download, and the wall between tenants."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from consent import importing
from contacts.models import Contact, ContactList, Import
from tenants.actions import NewTenant, issue_key
from tenants.models import AuditEvent
from tenants.scope import tenant_scope
from tests.consent.imports import done, fixture

URL = "/api/v1/imports/"
PHONES = "Handy;Vorname\n0151 23456780;Anna\n12;=HYPERLINK(1)\n"


def client_of(made: NewTenant) -> Client:
    return Client(headers={"Authorization": f"Bearer {made.api_key}", "Accept-Language": "en"})


def client_with(made: NewTenant, *scopes: str) -> Client:
    with tenant_scope(made.tenant):
        key = issue_key(tenant=made.tenant, name="Test", scopes=list(scopes), by=None)[1]
    return Client(headers={"Authorization": f"Bearer {key}", "Accept-Language": "en"})


def uploaded(client: Client, content: bytes | str, **fields: Any) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    return client.post(URL, {"file": SimpleUploadedFile("kunden.csv", raw), **fields})


def work(made: NewTenant) -> None:
    """Let a worker do everything that is due."""
    for tenant_id, import_id in importing.due():
        importing.run(tenant_id, import_id)


def test_an_upload_is_imported_and_tells_its_counts_and_reasons(bakery_made: NewTenant) -> None:
    client = client_of(bakery_made)

    response = uploaded(client, PHONES)

    assert response.status_code == 201, response.content
    assert response.json()["state"] == "running"
    assert response.json()["mapping"] == {"Handy": "phone", "Vorname": "first_name"}
    work(bakery_made)
    told = client.get(f"{URL}{response.json()['uid']}/").json()
    assert (told["state"], told["percent"]) == ("finished", 100)
    assert (told["created"], told["rejected"], told["rows_total"]) == (1, 1, 2)
    assert told["reasons"] == [{"code": "invalid_phone", "label": told["reasons"][0]["label"], "count": 1}]
    assert "phone number" in told["reasons"][0]["label"]


def test_fields_of_the_form_take_effect(bakery_made: NewTenant) -> None:
    with tenant_scope(bakery_made.tenant):
        summer = ContactList.objects.create(tenant=bakery_made.tenant, name="Sommer")

    response = uploaded(
        client_of(bakery_made),
        "A;B\n0664 1234567;Anna\n",
        mapping=json.dumps({"A": "phone", "B": "first_name"}),
        default_country="AT",
        list=str(summer.uid),
        tags=["Laden", "Neu"],
    )

    assert response.status_code == 201, response.content
    assert response.json()["list"] == str(summer.uid)
    work(bakery_made)
    with tenant_scope(bakery_made.tenant):
        anna = Contact.objects.get()
        assert (anna.phone, anna.first_name) == ("+436641234567", "Anna")
        assert summer.members.count() == 1
        assert set(anna.contact_tags.values_list("tag__name", flat=True)) == {"Laden", "Neu"}


def test_a_dry_run_is_checked_first_and_run_on_request(bakery_made: NewTenant) -> None:
    client = client_of(bakery_made)
    uid = uploaded(client, PHONES, dry_run="true").json()["uid"]
    work(bakery_made)
    checked = client.get(f"{URL}{uid}/").json()
    with tenant_scope(bakery_made.tenant):
        assert not Contact.objects.exists()

    response = client.post(f"{URL}{uid}/run/")

    assert (checked["state"], checked["is_dry_run"], checked["created"]) == ("checked", True, 1)
    assert response.status_code == 200
    work(bakery_made)
    with tenant_scope(bakery_made.tenant):
        assert Contact.objects.count() == 1
    assert client.post(f"{URL}{uid}/run/").status_code == 409


def test_a_mapping_can_be_corrected_before_the_run(bakery_made: NewTenant) -> None:
    client = client_of(bakery_made)
    waiting = uploaded(client, "A;B\n0151 23456780;Anna\n").json()

    assert waiting["state"] == "uploaded"
    assert waiting["error"]
    assert client.post(f"{URL}{waiting['uid']}/run/").status_code == 400
    response = client.patch(f"{URL}{waiting['uid']}/mapping/", {"mapping": {"A": "phone"}}, "application/json")
    assert response.json()["mapping"] == {"A": "phone", "B": ""}
    assert client.post(f"{URL}{waiting['uid']}/check/").json()["state"] == "checking"


def test_a_cancelled_import_is_over(bakery_made: NewTenant) -> None:
    client = client_of(bakery_made)
    uid = uploaded(client, PHONES).json()["uid"]

    assert client.post(f"{URL}{uid}/cancel/").json()["state"] == "cancelled"
    work(bakery_made)
    with tenant_scope(bakery_made.tenant):
        assert not Contact.objects.exists()


def test_rejected_lines_come_as_harmless_csv_that_can_be_corrected_and_uploaded(bakery_made: NewTenant) -> None:
    client = client_of(bakery_made)
    uid = uploaded(client, PHONES).json()["uid"]
    work(bakery_made)

    response = client.get(f"{URL}{uid}/rejected/")

    content = b"".join(response.streaming_content)
    assert response["Content-Type"].startswith("text/csv")
    header, row = csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";")
    assert header[:2] == ["Handy", "Vorname"]
    assert row[:3] == ["12", "'=HYPERLINK(1)", "3"]
    assert row[4] == "Handy"
    again = done(bakery_made.tenant, content.replace(b'"12"', b'"0151 23456781"'))
    assert (again.created, again.rejected) == (1, 0)
    with tenant_scope(bakery_made.tenant):
        assert Contact.objects.get(phone="+4915123456781").first_name == "=HYPERLINK(1)"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"mapping": "not json"}, "mapping"),
        ({"mapping": '["phone"]'}, "mapping"),
        ({"mapping": '{"Mobil": "phone"}'}, "mapping"),
        ({"default_country": "Germany"}, "default_country"),
        ({"list": "0190e0f0-0000-7000-8000-000000000000"}, "list"),
        ({"tags": "x" * 61}, "tags"),
        ({"dryrun": "true"}, "dryrun"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_kept(bakery_made: NewTenant, fields: dict[str, str], field: str) -> None:
    response = uploaded(client_of(bakery_made), PHONES, **fields)

    assert response.status_code == 400
    assert field in response.json()["errors"]
    with tenant_scope(bakery_made.tenant):
        assert not Import.objects.exists()


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"Handy\n", (";" * 5000 + "\n1\n").encode(), b"PK\x03\x04x"])
def test_a_file_that_cannot_be_read_is_refused_with_a_remedy(bakery_made: NewTenant, content: bytes) -> None:
    response = uploaded(client_of(bakery_made), content)

    assert response.status_code == 400
    assert response.json()["errors"]["file"]


def test_an_upload_without_a_file_says_so(bakery_made: NewTenant) -> None:
    response = client_of(bakery_made).post(URL, {"dry_run": "true"})

    assert response.status_code == 400
    assert "file" in response.json()["errors"]


def test_an_xlsx_file_is_imported_like_a_csv(bakery_made: NewTenant) -> None:
    client = client_of(bakery_made)

    response = uploaded(client, fixture("kunden.xlsx"))

    assert response.status_code == 201, response.content
    work(bakery_made)
    with tenant_scope(bakery_made.tenant):
        juergen, kaethe = Contact.objects.order_by("phone")
        assert (juergen.first_name, juergen.phone, str(juergen.birthday)) == ("Jürgen", "+4915123456780", "1979-12-31")
        assert (kaethe.phone, kaethe.postcode, kaethe.external_id) == ("+4915123456781", "01067", "1002")


def test_a_repeated_upload_with_one_idempotency_key_is_imported_once(bakery_made: NewTenant) -> None:
    client = client_of(bakery_made)
    again = {"idempotency-key": "upload-1"}

    first, second = (
        client.post(URL, {"file": SimpleUploadedFile("kunden.csv", PHONES.encode())}, headers=again) for _ in range(2)
    )
    other = client.post(URL, {"file": SimpleUploadedFile("kunden.csv", b"Handy\n1\n")}, headers=again)

    assert first.json()["uid"] == second.json()["uid"]
    assert other.status_code == 422
    with tenant_scope(bakery_made.tenant):
        assert Import.objects.count() == 1


def test_another_tenant_sees_and_touches_nothing(bakery_made: NewTenant, shop_made: NewTenant) -> None:
    uid = uploaded(client_of(bakery_made), PHONES).json()["uid"]
    carol = client_of(shop_made)

    assert carol.get(URL).json()["results"] == []
    assert carol.get(f"{URL}{uid}/").status_code == 404
    assert carol.get(f"{URL}{uid}/rejected/").status_code == 404
    for verb in ("run", "check", "cancel"):
        assert carol.post(f"{URL}{uid}/{verb}/").status_code == 404
    assert carol.patch(f"{URL}{uid}/mapping/", {"mapping": {}}, "application/json").status_code == 404
    with tenant_scope(bakery_made.tenant):
        assert Import.objects.get().state == "running"


CONSENTS = "Handy;WhatsApp-Einwilligung\n0151 23456780;ja\n"


@pytest.mark.parametrize("column", ["consent.whatsapp", "consent.at", "consent.proof", "optout"])
@pytest.mark.parametrize("scope", ["contacts:write", "consent:write"])
def test_consent_columns_need_the_scope_that_writes_consent(
    bakery_made: NewTenant, tmp_path: Path, column: str, scope: str
) -> None:
    client = client_with(bakery_made, "contacts:read", "contacts:write", scope)
    plain = uploaded(client, CONSENTS, mapping='{"Handy": "phone"}', dry_run="true").json()
    mapped = {"mapping": {"Handy": "phone", "WhatsApp-Einwilligung": column}}

    work(bakery_made)
    answers = [
        uploaded(client, CONSENTS, mapping=json.dumps(mapped["mapping"])),
        client.patch(f"{URL}{plain['uid']}/mapping/", mapped, "application/json"),
    ]

    if scope == "consent:write":
        assert [answer.status_code for answer in answers] == [201, 200]
        return
    for answer in answers:
        assert answer.status_code == 403
        assert (answer["Content-Type"], answer.json()["title"]) == ("application/problem+json", "permission_denied")
        assert "consent:write" in answer.json()["detail"]
    with tenant_scope(bakery_made.tenant):
        assert Import.objects.get().mapping == {"Handy": "phone", "WhatsApp-Einwilligung": ""}
    assert len(list(tmp_path.rglob("*.csv"))) == 1


def test_guessed_consent_columns_and_those_of_somebody_else_need_it_too(bakery_made: NewTenant) -> None:
    client = client_with(bakery_made, "contacts:read", "contacts:write")
    prepared = uploaded(client_of(bakery_made), CONSENTS, dry_run="true").json()
    work(bakery_made)

    assert prepared["mapping"]["WhatsApp-Einwilligung"] == "consent.whatsapp"
    assert client.post(f"{URL}{prepared['uid']}/run/").status_code == 403
    assert uploaded(client, CONSENTS).status_code == 403
    with tenant_scope(bakery_made.tenant):
        assert Import.objects.get().state == "checked"


def test_nobody_uploads_without_a_key() -> None:
    assert Client().post(URL, {}).status_code == 401


def test_art_14_a_program_says_that_the_people_of_an_import_know(bakery_made: NewTenant) -> None:
    client = client_of(bakery_made)
    uid = uploaded(client, PHONES).json()["uid"]
    assert client.post(f"{URL}{uid}/informed/").status_code == 409
    work(bakery_made)
    told = client.get(f"{URL}{uid}/").json()
    assert (told["informed_at"], told["inform_until"] > told["created_at"]) == (None, True)

    answers = [client.post(f"{URL}{uid}/informed/") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["informed_at"] == answers[1].json()["informed_at"] is not None
    with tenant_scope(bakery_made.tenant):
        assert AuditEvent.objects.filter(verb="import.informed", object_uid=uid).count() == 1
    assert client_with(bakery_made, "contacts:read").post(f"{URL}{uid}/informed/").status_code == 403
