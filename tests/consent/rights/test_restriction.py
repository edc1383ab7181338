"""Restricted means: only storage (Art. 18 GDPR, CG-42). Nothing changes, counts or shows the person until it ends."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from campaigns import queries as campaigns
from consent import importing
from consent.rights import working
from contacts.models import Contact
from segments import queries as segments
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import draft
from tests.consent.factories import agree, person
from tests.consent.test_imports_api import URL, client_of
from tests.contacts.calls import Caller

PHONE = "+4915212345678"


@pytest.fixture(autouse=True)
def uploads(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    with tenant_scope(bakery):
        anna = person(bakery, phone=PHONE, first_name="Anna", external_id="K1")
        agree(bakery, anna)
        return anna


@pytest.fixture
def request_path(alice: Caller, anna: Contact) -> str:
    """The request by which Anna had the processing restricted."""
    return f"data-requests/{asked(alice, anna, 'restriction')}/"


def asked(alice: Caller, anna: Contact, kind: str) -> str:
    given = {"contact": str(anna.uid), "kind": kind, "checked_by": "email"}
    uid: str = alice.post("data-requests/", given).json()["uid"]
    if kind != "rectification":
        assert alice.post(f"data-requests/{uid}/run/").status_code == 202
    return uid


def imported(made: NewTenant, content: str, **fields: str) -> dict[str, Any]:
    client = client_of(made)
    answer = client.post(URL, {"file": SimpleUploadedFile("k.csv", content.encode()), **fields})
    assert answer.status_code == 201, answer.content
    for tenant_id, import_id in importing.due():
        importing.run(tenant_id, import_id)
    found: dict[str, Any] = client.get(f"{URL}{answer.json()['uid']}/").json()
    return found


def of(anna: Contact) -> tuple[str, int, int]:
    """First name, tags and lists of Anna."""
    with tenant_scope(anna.tenant_id):
        now = Contact.objects.get(pk=anna.pk)
        return now.first_name, now.contact_tags.count(), now.list_members.count()


def test_cg_42_an_import_leaves_a_restricted_contact_alone_and_the_line_says_why(
    bakery_made: NewTenant, anna: Contact, request_path: str
) -> None:
    told = imported(bakery_made, f"Handy;Vorname;Tags\n{PHONE};Anne;Stammkundin\n0151 23456780;Bert;\n")

    assert (told["created"], told["updated"], told["rejected"]) == (1, 0, 1)
    [why] = told["reasons"]
    assert (why["code"], why["count"]) == ("restricted", 1)
    assert of(anna) == ("Anna", 0, 0)


def test_a_no_in_the_line_of_a_restricted_contact_counts(
    bakery_made: NewTenant, alice: Caller, anna: Contact, request_path: str
) -> None:
    told = imported(bakery_made, f"Handy;Abgemeldet\n{PHONE};ja\n")
    assert {row["code"]: row["count"] for row in told["consent"]} == {"withdrawn": 1}

    alice.post(f"{request_path}lift/")

    assert alice.get(f"contacts/{anna.uid}/may-send/").json()["reason"] == "withdrawn"


def test_cg_42_no_edit_reaches_a_restricted_contact(alice: Caller, anna: Contact, request_path: str) -> None:
    tag = alice.post("tags/", {"name": "Stammkundin"}).json()["uid"]
    group = alice.post("lists/", {"name": "Newsletter"}).json()["uid"]

    patched = alice.patch(f"contacts/{anna.uid}/", {"first_name": "Anne"})
    created = alice.post("contacts/", {"phone": PHONE, "first_name": "Anne"})
    bulk = alice.post(
        "contacts/bulk/", {"contacts": [{"phone": PHONE, "first_name": "Anne"}, {"phone": "0151 23456780"}]}
    )

    for refused in (patched, created):
        assert refused.status_code == 400
        assert refused.json()["errors"]["contact"][0].startswith("restricted: only storage")
    assert [row["outcome"] for row in bulk.json()["results"]] == ["rejected", "created"]
    for path in (f"tags/{tag}/add/", f"lists/{group}/add/"):
        assert alice.post(path, {"contacts": [str(anna.uid)]}).json() == {
            "changed": 0,
            "unknown": [],
            "restricted": [str(anna.uid)],
        }
    assert alice.delete(f"contacts/{anna.uid}/").status_code == 409
    assert of(anna) == ("Anna", 0, 0)


def test_staff_do_not_edit_a_restricted_contact_either(staff: Client, anna: Contact, request_path: str) -> None:
    page = staff.post(reverse("admin:contacts_contact_change", args=[anna.pk]), {"first_name": "Anne"})

    assert "restricted: only storage" in page.content.decode()
    assert staff.post(reverse("admin:contacts_contact_delete", args=[anna.pk]), {"post": "yes"}).status_code == 403
    assert of(anna)[0] == "Anna"


def test_what_the_person_asks_for_works_all_the_same(alice: Caller, anna: Contact, request_path: str) -> None:
    correction = asked(alice, anna, "rectification")
    assert alice.post(f"data-requests/{correction}/correct/", {"first_name": "Anne"}).status_code == 200
    assert of(anna)[0] == "Anne"

    asked(alice, anna, "erasure")
    for tenant_id, request_id in working.due():
        working.work(tenant_id, request_id)

    with tenant_scope(anna.tenant_id):
        assert not Contact.objects.filter(pk=anna.pk).exists()


def test_once_it_is_lifted_everything_works_again(alice: Caller, anna: Contact, request_path: str) -> None:
    alice.post(f"{request_path}lift/")

    assert alice.patch(f"contacts/{anna.uid}/", {"first_name": "Anne"}).status_code == 200


def test_segments_and_previews_leave_restricted_people_out(bakery: Tenant, alice: Caller, anna: Contact) -> None:
    rule = {"field": "first_name", "op": "is", "value": "Anna"}
    campaign = draft(bakery, [anna, *factories.contacts(bakery, 1)])
    with tenant_scope(bakery):
        assert segments.count(bakery, rule) == 1
        assert len(campaigns.preview_contacts(campaign)) == 2

    asked(alice, anna, "restriction")

    with tenant_scope(bakery):
        assert segments.count(bakery, rule) == 0
        found = segments.preview(bakery, rule)
        assert (found.count, found.sample, [node.count for node in found.nodes]) == (0, [], [0])
        assert anna not in campaigns.preview_contacts(campaign)
