"""A new file: what the form takes effect on, what it refuses at which field, and how often it starts."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client

from contacts.importing import limits, uploading
from contacts.models import ContactList, Import
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.imports import fixture
from tests.consent.views.pages import (
    HTMX,
    PEOPLE,
    URL,
    at,
    checked,
    contacts_of,
    only,
    shown,
    uploaded,
    worked,
)


def test_list_tags_and_country_of_the_form_take_effect(alice: Client, bakery: Tenant) -> None:
    imported = checked(alice, "Handy\n0664 1234567\n", country="AT", new_list="Sommer", tags="Laden, Neu")
    alice.post(at(imported, "run/"))
    worked(imported)

    (anna,) = contacts_of(bakery)
    with tenant_scope(bakery):
        summer = bakery.lists.get()
        assert (summer.name, summer.members.get().contact) == ("Sommer", anna)
        assert set(anna.contact_tags.values_list("tag__name", flat=True)) == {"Laden", "Neu"}
    assert anna.phone == "+436641234567"
    assert "On the list “Sommer”" in shown(alice, at(imported))


def test_an_existing_list_can_be_chosen_but_no_second_one_of_its_name_made(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        summer = ContactList.objects.create(tenant=bakery, name="Sommer")

    both = uploaded(alice, PEOPLE, list=str(summer.uid), new_list="Winter")
    again = uploaded(alice, PEOPLE, new_list="sommer")
    chosen = uploaded(alice, PEOPLE, list=str(summer.uid))

    assert both.context["form"].errors.keys() == again.context["form"].errors.keys() == {"new_list"}
    assert both.status_code == again.status_code == 422
    assert chosen.status_code == 302
    with tenant_scope(bakery):
        assert Import.objects.get().list == bakery.lists.get()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b"\x00\x01\x02", "This is not a text file."),
        (b"\xff\xfe\x00", "This is not a text file."),
        (b"Handy;Vorname\n", "The file has column names but no lines below them."),
        (b"0151 23456780;Anna\n0151 23456781;Bert\n", "The first line holds data."),
        (b";".join([b"Spalte"] * 5000) + b"\n1\n", "The file has 5000 columns; at most 200 are possible."),
        (b"PK\x03\x04x", "This spreadsheet cannot be read."),
        (b"\xd0\xcf\x11\xe0x", "This spreadsheet is in an old format or protected."),
    ],
)
def test_a_broken_file_is_refused_at_its_field_and_leaves_nothing(
    alice: Client, bakery: Tenant, uploads: Path, content: bytes, sentence: str
) -> None:
    response = uploaded(alice, content, new_list="Sommer")

    assert response.status_code == 422
    assert [error.startswith(sentence) for error in response.context["form"].errors["file"]] == [True]
    assert response.context["form"].errors.keys() == {"file"}
    with tenant_scope(bakery):
        assert not Import.objects.exists()
        assert not bakery.lists.exists()
    assert list(uploads.rglob("*.csv")) == []


def test_a_form_without_a_file_says_so(alice: Client) -> None:
    response = alice.post(f"{URL}new/", {"uid": str(uuid.uuid4()), "country": "DE"})

    assert response.status_code == 422
    assert response.context["form"].errors["file"] == ["Please choose a file."]


def test_broken_quotes_reject_their_line_only(alice: Client) -> None:
    imported = checked(alice, fixture("broken_quotes.csv"))

    assert imported.state == "checked"
    assert imported.rejected
    assert "open quotation mark" in shown(alice, at(imported))


def test_what_exceeds_the_largest_file_is_not_stored_and_the_field_says_so(
    alice: Client, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    monkeypatch.setattr(limits, "FILE_BYTES", 100_000)
    stored_bytes = []
    original = uploading.BoundedUploadHandler.receive_data_chunk

    def counted(self: Any, raw_data: bytes, start: int) -> bytes | None:
        chunk = original(self, raw_data, start)
        stored_bytes.append(len(chunk or b""))
        return chunk

    monkeypatch.setattr(uploading.BoundedUploadHandler, "receive_data_chunk", counted)

    response = uploaded(alice, b"Handy\n" + b"0151 23456780\n" * 100_000)

    assert [error[:30] for error in response.context["form"].errors["file"]] == ["The file is larger than 200 MB"]
    assert 100_000 < sum(stored_bytes) < 300_000


def test_an_upload_by_htmx_is_answered_with_the_form_or_the_way_on(alice: Client) -> None:
    fields = {"uid": str(uuid.uuid4()), "country": "DE"}
    refused = alice.post(f"{URL}new/", {**fields, "file": SimpleUploadedFile("a.csv", b"")}, **HTMX)
    taken = alice.post(f"{URL}new/", {**fields, "file": SimpleUploadedFile("a.csv", PEOPLE.encode())}, **HTMX)

    assert refused.status_code == 422
    assert refused.content.strip().startswith(b'<form id="upload"')
    assert taken["HX-Redirect"] == at(only())


def test_a_form_sent_twice_starts_one_import(alice: Client) -> None:
    uid = str(uuid.uuid4())

    first, second = (uploaded(alice, PEOPLE, uid=uid) for _ in range(2))

    assert first["Location"] == second["Location"] == at(only())


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_once_starts_one_import(alice: Client) -> None:
    uid = str(uuid.uuid4())
    alice.get(URL)

    def send(_: int) -> Any:
        twin = Client()
        twin.cookies = alice.cookies
        try:
            return uploaded(twin, PEOPLE, uid=uid)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))

    assert {answer["Location"] for answer in answers} == {at(only())}
