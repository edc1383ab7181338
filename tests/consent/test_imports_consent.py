"""Consent in imports: only with its proof, never over a no, and an opt-out always counts."""

import pytest

from consent.models import ConsentEvent, ConsentState, Suppression, WordingVersion
from contacts.importing import upserting
from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import published
from tests.consent.imports import counts, done

SENTENCE = "Ja, ich möchte von Bäckerei Sonne per WhatsApp Angebote erhalten. Ich bin mindestens 16 Jahre alt."
PROVEN = (
    "Handy;Einwilligung am;Einwilligungsquelle;Wortlaut;Nachweis\n"
    f"0151 23456780;01.02.2025;Ladenformular;{SENTENCE};Blatt 1\n"
)
OPTOUT = "Handy;Abgemeldet\n0151 23456780;ja\n"


def test_a_yes_with_all_proof_becomes_one_ledger_row(bakery: Tenant) -> None:
    imported = done(bakery, PROVEN)

    assert imported.consent_counts == {"granted": 1}
    with tenant_scope(bakery):
        row = ConsentEvent.objects.get()
        assert (row.channel, row.purpose, row.state, row.authority) == ("whatsapp", "marketing", "granted", 0)
        assert row.source_ref == f"import {imported.uid} line 2"
        assert row.occurred_at.isoformat() == "2025-01-31T23:00:00+00:00"
        assert WordingVersion.objects.get(pk=row.wording_version_id).texts == {"de": SENTENCE}
        assert ConsentState.objects.get().state == "granted"


def test_the_same_proof_again_adds_nothing_to_the_ledger(bakery: Tenant) -> None:
    done(bakery, PROVEN)

    again = done(bakery, PROVEN)

    assert again.consent_counts == {"already_granted": 1}
    with tenant_scope(bakery):
        assert ConsentEvent.objects.count() == 1


@pytest.mark.parametrize("missing", ["01.02.2025", "Ladenformular", SENTENCE, "Blatt 1"])
def test_a_yes_without_one_of_the_proofs_is_no_consent(bakery: Tenant, missing: str) -> None:
    imported = done(bakery, PROVEN.replace(missing, ""))

    assert imported.consent_counts == {"no_proof": 1}
    with tenant_scope(bakery):
        assert Contact.objects.count() == 1
        assert not ConsentEvent.objects.exists()


def test_a_consent_date_in_the_future_is_no_proof(bakery: Tenant) -> None:
    imported = done(bakery, PROVEN.replace("01.02.2025", "01.02.2099"))

    assert imported.consent_counts == {"no_proof": 1}
    assert imported.reasons == {"dropped:invalid_consent_date": 1}


def test_a_wording_that_does_not_name_whatsapp_is_no_consent_to_it(bakery: Tenant) -> None:
    imported = done(bakery, PROVEN.replace("per WhatsApp", "per E-Mail"))

    assert imported.consent_counts == {"wording_without_whatsapp": 1}


def test_a_wording_of_its_own_on_every_line_is_not_stored_because_it_may_name_people(bakery: Tenant) -> None:
    header, line = PROVEN.splitlines()
    lines = [line.replace("780;", f"7{at:02};").replace("Ja, ich", f"Ja, ich, Anna {at},") for at in range(60)]

    imported = done(bakery, "\n".join([header, *lines]))

    assert imported.consent_counts == {"wording_not_uniform": 60}
    with tenant_scope(bakery):
        assert not WordingVersion.objects.exists()


def test_a_wording_column_may_name_a_published_version(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        version = published(bakery, 3, policy_version="5", policy_sha256="c0ffee")

    imported = done(bakery, PROVEN.replace(SENTENCE, "Ladenformular v3"))

    assert imported.consent_counts == {"granted": 1}
    with tenant_scope(bakery):
        rows = ConsentEvent.objects.order_by("seq").values_list("purpose", "wording_version_id", "wording_sha256")
        assert list(rows) == [(purpose, version.pk, version.sha256) for purpose in ("marketing", "tracking")]
        assert set(ConsentEvent.objects.values_list("policy_version", "policy_sha256")) == {("5", "c0ffee")}


def test_a_no_in_the_consent_column_overrules_the_proof(bakery: Tenant) -> None:
    imported = done(
        bakery,
        "Handy;WhatsApp Einwilligung;Einwilligung am;Einwilligungsquelle;Wortlaut;Nachweis\n"
        f"0151 23456780;nein;01.02.2025;Laden;{SENTENCE};Blatt 1\n",
    )

    assert imported.consent_counts == {"not_claimed": 1}
    with tenant_scope(bakery):
        assert not ConsentEvent.objects.exists()


def test_an_opt_out_in_the_file_withdraws_and_suppresses(bakery: Tenant) -> None:
    done(bakery, PROVEN)

    imported = done(bakery, OPTOUT)

    assert imported.consent_counts == {"withdrawn": 1}
    with tenant_scope(bakery):
        assert ConsentState.objects.get(purpose="marketing").state == "withdrawn"
        assert Suppression.objects.filter(kind="phone", purpose="marketing").count() == 1
    assert done(bakery, OPTOUT).consent_counts == {"already_withdrawn": 1}


@pytest.mark.parametrize("is_dry_run", [True, False])
def test_no_file_brings_back_somebody_who_opted_out(bakery: Tenant, is_dry_run: bool) -> None:
    done(bakery, OPTOUT)

    imported = done(bakery, PROVEN.replace("01.02.2025", "01.09.2025"), is_dry_run=is_dry_run)

    assert imported.consent_counts == {"skipped_suppressed": 1}
    with tenant_scope(bakery):
        assert ConsentState.objects.get(purpose="marketing").state == "withdrawn"


@pytest.mark.parametrize("is_dry_run", [True, False])
def test_a_suppressed_number_stays_suppressed_after_its_contact_was_deleted(bakery: Tenant, is_dry_run: bool) -> None:
    done(bakery, OPTOUT)
    with tenant_scope(bakery):
        Contact.objects.all().delete()

    imported = done(bakery, PROVEN, is_dry_run=is_dry_run)

    assert imported.created == 1
    assert imported.consent_counts == {"skipped_suppressed": 1}


def test_an_opt_out_on_a_line_that_loses_as_duplicate_still_holds(bakery: Tenant) -> None:
    imported = done(bakery, "Handy;Abgemeldet\n0151 23456780;ja\n0151 23456780;\n")

    assert counts(imported) == (1, 0, 0, 1)
    assert imported.consent_counts == {"withdrawn": 1, "line_rejected": 1}


def test_an_opt_out_on_a_line_that_names_two_contacts_holds_for_both(bakery: Tenant) -> None:
    done(bakery, "Handy;Kundennummer\n0151 23456780;K-1\n0151 23456781;K-2\n")

    imported = done(bakery, "Handy;Kundennummer;Abgemeldet\n0151 23456780;K-2;ja\n")

    assert counts(imported) == (0, 0, 0, 1)
    assert imported.consent_counts == {"withdrawn": 2}


@pytest.mark.parametrize("is_dry_run", [True, False])
def test_every_line_of_a_file_about_consent_is_counted_once_whatever_it_says(
    bakery: Tenant, is_dry_run: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upserting, "LINES_PER_RANGE", 3)
    header, yes = PROVEN.splitlines()
    silent = [f"0151 234567{at};;;;;" for at in range(81, 86)]
    unproven = "0151 23456786;01.02.2025;;;;"
    lines = [*silent[:2], f"{yes};", "12;;;;;", unproven, *silent[2:], ";;;;;", "0151 23456787;;;;;ja", silent[0]]

    imported = done(bakery, "\n".join([f"{header};Abgemeldet", *lines]), is_dry_run=is_dry_run)

    assert counts(imported) == (8, 0, 0, 2)
    assert imported.consent_counts == {
        "granted": 1,
        "not_claimed": 5,
        "no_proof": 1,
        "withdrawn": 1,
        "line_rejected": 2,
    }
    assert sum(imported.consent_counts.values()) == imported.rows_total
