"""An import is looked at first, then run, cancelled, gone on with; its result and rejected lines are told."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client

from contacts.models import Contact, Import
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.imports import counts
from tests.consent.views.pages import (
    HTMX,
    PEOPLE,
    URL,
    at,
    checked,
    columns,
    contacts_of,
    only,
    shown,
    uploaded,
    worked,
)

ROOT = Path(__file__).parent.parent.parent.parent


def test_a_file_is_checked_first_and_imported_on_the_button_with_the_count(alice: Client, bakery: Tenant) -> None:
    imported = checked(alice, PEOPLE)

    page = shown(alice, at(imported))
    assert imported.state == "checked"
    assert "2 contacts can be imported" in page
    assert "Import 2 contacts" in page
    assert "This is not a valid phone number" in page
    assert "No column is about consent" in page
    assert contacts_of(bakery) == []

    assert alice.post(at(imported, "run/"))["Location"] == at(imported)
    assert counts(worked(imported)) == (2, 0, 0, 1)
    assert "2 contacts are in your workspace" in shown(alice, at(imported))
    assert [contact.first_name for contact in contacts_of(bakery)] == ["Anna", "Carla"]


def test_the_list_of_imports_shows_file_person_state_and_counts(alice: Client, bakery: Tenant) -> None:
    assert "No imports yet" in shown(alice, URL)
    imported = checked(alice, PEOPLE)
    assert "waits for you to start it" in shown(alice, URL)

    alice.post(at(imported, "run/"))
    assert "every 2s" in shown(alice, URL)
    worked(imported)

    page = shown(alice, URL)
    assert "every 2s" not in page
    assert "alice@example.com" in page
    assert 'data-label="New">2<' in page
    assert 'data-label="Rejected">1<' in page


def test_a_button_pressed_twice_starts_one_run_and_says_why_not_two(alice: Client, bakery: Tenant) -> None:
    imported = checked(alice, PEOPLE)

    answers = [alice.post(at(imported, "run/"), follow=True) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert "this import has the status “Running”" in answers[1].content.decode()
    assert counts(worked(imported)) == (2, 0, 0, 1)
    assert "this import has the status “Finished”" in alice.post(at(imported, "run/"), follow=True).content.decode()


def test_consents_are_counted_before_they_are_recorded(alice: Client, bakery: Tenant) -> None:
    imported = checked(alice, (ROOT / "static" / "kontakte-beispiel.csv").read_bytes())

    assert counts(imported) == (3, 0, 0, 0)
    assert imported.consent_counts == {"granted": 2, "not_claimed": 1}
    assert "Consent with complete proof will be recorded." in shown(alice, at(imported))

    alice.post(at(imported, "run/"))
    worked(imported)
    assert "Consent with complete proof was recorded." in shown(alice, at(imported))


def test_who_says_nothing_about_consent_stands_in_the_sum_too(alice: Client) -> None:
    imported = checked(alice, "Handy;WhatsApp-Einwilligung\n0151 23456780;ja\n0151 23456781;\n0151 23456782;\n12;ja\n")

    page = " ".join(shown(alice, at(imported)).split())

    assert "cannot be written to before they say yes.</dt> <dd> 2 </dd>" in page
    assert "The line is rejected, and no consent will be taken from it.</dt> <dd> 1 </dd>" in page


def test_claims_without_proof_are_explained(alice: Client) -> None:
    imported = checked(alice, "Handy;WhatsApp-Einwilligung\n0151 23456780;ja\n0151 23456781;ja\n")

    page = shown(alice, at(imported))

    assert "nothing will be recorded" in page
    assert "2 contacts cannot be written to yet" in page
    assert f'href="{at(imported, "notes/")}"' in page
    response = alice.get(at(imported, "notes/"))
    content = b"".join(response.streaming_content).decode("utf-8-sig")
    assert response["Content-Disposition"] == 'attachment; filename="lines without consent of kunden.csv"'
    assert [row[0] for row in csv.reader(io.StringIO(content), delimiter=";")] == [
        "Handy", "0151 23456780", "0151 23456781",
    ]  # fmt: skip


def test_nobody_without_consent_means_no_download(alice: Client) -> None:
    imported = checked(alice, (ROOT / "static" / "kontakte-beispiel.csv").read_bytes())

    assert "notes/" not in shown(alice, at(imported))


def test_a_running_import_is_polled_until_it_is_over(alice: Client) -> None:
    imported = checked(alice, PEOPLE)
    alice.post(at(imported, "run/"))

    running = alice.get(at(imported), **HTMX)
    assert running.status_code == 200
    assert "every 2s" in running.content.decode()
    worked(imported)
    over = alice.get(at(imported), **HTMX)
    assert over.status_code == 286
    assert "every 2s" not in over.content.decode()


def test_a_cancelled_import_imports_nothing_more_and_can_go_on(alice: Client, bakery: Tenant) -> None:
    imported = checked(alice, PEOPLE)
    alice.post(at(imported, "run/"))

    alice.post(at(imported, "cancel/"))

    assert worked(imported).state == "cancelled"
    assert contacts_of(bakery) == []
    assert "Go on with the import" in shown(alice, at(imported))
    alice.post(at(imported, "run/"))
    assert counts(worked(imported)) == (2, 0, 0, 1)


def test_a_cancelled_check_can_be_repeated(alice: Client) -> None:
    uploaded(alice, PEOPLE)
    alice.post(at(only(), "cancel/"))
    assert "Nothing has been written" in shown(alice, at(only()))

    alice.post(at(only(), "check/"))

    assert worked(only()).state == "checked"


def test_a_failed_import_says_why_and_offers_to_go_on(alice: Client, uploads: Path) -> None:
    imported = checked(alice, PEOPLE)
    alice.post(at(imported, "run/"))
    for file in uploads.rglob("*.csv"):
        file.unlink()
    with pytest.raises(Exception, match="file missing"):
        worked(imported)

    page = shown(alice, at(imported))

    assert "notice-error" in page
    assert "is not there any more" in page
    response = alice.post(at(imported, "columns/"), columns("phone", "first_name", ""))
    assert response.status_code == 422


def test_a_forgotten_file_keeps_its_counts_and_offers_nothing_that_needs_it(alice: Client) -> None:
    imported = checked(alice, PEOPLE)
    with tenant_scope(imported.tenant_id):
        Import.objects.update(file="")

    page = shown(alice, at(imported))

    assert "deleted after 30 days" in page
    assert "Import 2 contacts" not in page
    assert alice.get(at(imported, "rejected/"))["Location"] == at(imported)
    assert "deleted after 30 days" in alice.post(at(imported, "run/"), follow=True).content.decode()


def test_rejected_lines_come_as_a_file_that_can_be_corrected(alice: Client) -> None:
    imported = checked(alice, PEOPLE)

    response = alice.get(at(imported, "rejected/"))

    content = b"".join(response.streaming_content).decode("utf-8-sig")
    header, row = csv.reader(io.StringIO(content), delimiter=";")
    assert response["Content-Disposition"] == 'attachment; filename="rejected lines of kunden.csv"'
    assert header == ["Handy", "Vorname", "Filiale", "Line", "Reason", "Column"]
    assert (row[:4], row[5]) == (["12", "Bert", "Nord", "3"], "Handy")


def test_art_14_whoever_imports_reads_until_when_the_people_have_to_know_and_says_once_that_they_do(
    alice: Client, bakery: Tenant
) -> None:
    imported = checked(alice, PEOPLE)
    assert "where you have their data from" not in shown(alice, at(imported))
    alice.post(at(imported, "run/"))
    worked(imported)
    with tenant_scope(bakery):
        Import.objects.filter(pk=imported.pk).update(brought_at=datetime(2026, 1, 31, 12, tzinfo=UTC))
    assert "has to be told by 28 Feb 2026" in shown(alice, at(imported))

    alice.post(at(imported, "informed/"))

    page = shown(alice, at(imported))
    assert "they know" in page
    assert "They know" not in page
    with tenant_scope(bakery):
        first = Import.objects.get(pk=imported.pk).informed_at
        alice.post(at(imported, "informed/"))
        assert Import.objects.get(pk=imported.pk).informed_at == first


def test_art_14_whom_another_run_of_an_import_brings_has_not_been_told_yet(alice: Client, bakery: Tenant) -> None:
    imported = checked(alice, PEOPLE)
    alice.post(at(imported, "run/"))
    worked(imported)
    alice.post(at(imported, "informed/"))
    with tenant_scope(bakery):
        Import.objects.filter(pk=imported.pk).update(state="cancelled")
    alice.post(at(imported, "run/"))
    worked(imported)
    assert "they know" in shown(alice, at(imported))
    with tenant_scope(bakery):
        Import.objects.filter(pk=imported.pk).update(state="cancelled")
        Contact.objects.filter(first_name="Anna").update(phone="+4915100000001")

    alice.post(at(imported, "run/"))
    worked(imported)

    assert "has to be told by" in shown(alice, at(imported))
