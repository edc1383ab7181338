"""An opt-out on a line that cannot be imported holds all the same: a no needs nothing and always holds."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from consent import importing
from consent.models import ConsentEvent, Suppression
from consent.queries import may_send
from contacts.models import Contact, StagedRow
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.imports import counts, done, started, worked
from tests.consent.test_imports_api import URL, client_of
from tests.consent.test_imports_consent import PROVEN, SENTENCE
from tests.consent.test_imports_survive import Killed, expire_lease

PHONE = "+4915123456780"
TOO_LONG = "x" * 1001


def told(made: NewTenant, content: str) -> dict[str, Any]:
    """What the API says of this file after a worker has gone through it."""
    client = client_of(made)
    answer = client.post(URL, {"file": SimpleUploadedFile("kunden.csv", content.encode())})
    assert answer.status_code == 201, answer.content
    for tenant_id, import_id in importing.due():
        importing.run(tenant_id, import_id)
    found: dict[str, Any] = client.get(f"{URL}{answer.json()['uid']}/").json()
    return found


def codes(counted: list[dict[str, Any]]) -> dict[str, int]:
    return {row["code"]: row["count"] for row in counted}


def refusals(tenant: Tenant) -> dict[str, str]:
    """Why each of the tenant's contacts gets no advertising by WhatsApp, by the first thing that names them."""
    with tenant_scope(tenant):
        return {
            str(one.phone or one.email or one.external_id): may_send(
                contact=one, channel="whatsapp", purpose="marketing"
            ).reason
            for one in Contact.objects.all()
        }


@pytest.mark.parametrize("length", [1001, 10_001])
def test_a_note_that_is_too_long_does_not_lose_the_no_beside_it(bakery_made: NewTenant, length: int) -> None:
    done(bakery_made.tenant, PROVEN)
    assert refusals(bakery_made.tenant) == {PHONE: ""}

    answer = told(bakery_made, f"Handy;Abgemeldet;Notiz\n0151 23456780;ja;{'x' * length}\n0151 23456781;;gern\n")

    assert (answer["rows_total"], answer["created"], answer["rejected"]) == (2, 1, 1)
    assert codes(answer["reasons"]) == {"too_long": 1}
    assert codes(answer["consent"]) == {"withdrawn": 1, "not_claimed": 1}
    assert refusals(bakery_made.tenant) == {PHONE: "withdrawn", "+4915123456781": "no_consent"}
    with tenant_scope(bakery_made.tenant):
        assert not StagedRow.objects.exists()


def test_a_bad_number_does_not_lose_the_no_of_a_known_address(bakery_made: NewTenant) -> None:
    consents = PROVEN.replace("Handy", "Handy;E-Mail").replace("780;", "780;anna@example.com;")
    done(bakery_made.tenant, consents)
    assert refusals(bakery_made.tenant) == {PHONE: ""}

    answer = told(bakery_made, "Handy;E-Mail;Abgemeldet\n12;Anna@example.com;ja\n")

    assert codes(answer["reasons"]) == {"invalid_phone": 1}
    assert codes(answer["consent"]) == {"withdrawn": 1}
    assert refusals(bakery_made.tenant) == {PHONE: "withdrawn"}


@pytest.mark.parametrize("is_dry_run", [True, False])
def test_somebody_unknown_is_suppressed_without_becoming_a_contact(bakery: Tenant, is_dry_run: bool) -> None:
    imported = done(bakery, f"Handy;Abgemeldet;Notiz\n0151 23456780;ja;{TOO_LONG}\n", is_dry_run=is_dry_run)

    assert counts(imported) == (0, 0, 0, 1)
    assert imported.consent_counts == {"withdrawn": 1}
    with tenant_scope(bakery):
        assert not Contact.objects.exists()
        assert Suppression.objects.count() == ConsentEvent.objects.count() == (0 if is_dry_run else 3)
    if not is_dry_run:
        assert done(bakery, PROVEN).consent_counts == {"skipped_suppressed": 1}
        assert refusals(bakery) == {PHONE: "suppressed"}


def test_the_same_rejected_no_again_is_already_there(bakery: Tenant) -> None:
    content = f"Handy;Abgemeldet;Notiz\n0151 23456780;ja;{TOO_LONG}\n"
    done(bakery, content)

    assert done(bakery, content + " ").consent_counts == {"already_withdrawn": 1}
    with tenant_scope(bakery):
        assert ConsentEvent.objects.count() == 3


def test_a_rejected_line_without_a_no_or_without_a_name_is_only_rejected(bakery: Tenant) -> None:
    imported = done(
        bakery,
        f"Handy;Abgemeldet;Notiz\n0151 23456780;nein;{TOO_LONG}\n12;ja;\n0151 23456781;ja\n0151 23456782;;ja;ja\n",
    )

    assert counts(imported) == (0, 0, 0, 4)
    assert imported.consent_counts == {"line_rejected": 4}
    with tenant_scope(bakery):
        assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize("is_dry_run", [True, False])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_rejected_no_and_a_good_line_about_one_person_count_as_one_no(
    bakery: Tenant, is_first: bool, is_dry_run: bool
) -> None:
    good = f"0151 23456780;01.02.2025;Laden;{SENTENCE};Blatt 1;;kurz"
    bad = f"0151 23456780;;;;;ja;{TOO_LONG}"
    lines = [bad, good] if is_first else [good, bad]

    imported = done(
        bakery,
        "\n".join(["Handy;Einwilligung am;Einwilligungsquelle;Wortlaut;Nachweis;Abgemeldet;Notiz", *lines, bad]),
        is_dry_run=is_dry_run,
    )

    assert counts(imported) == (1, 0, 0, 2)
    assert imported.consent_counts == {"withdrawn": 1, "line_rejected": 2}
    assert refusals(bakery) == ({} if is_dry_run else {PHONE: "withdrawn"})


def test_a_no_counts_for_everybody_whom_a_rejected_line_names(bakery: Tenant) -> None:
    done(bakery, "Handy;Kundennummer\n0151 23456780;K-1\n0151 23456781;K-2\n0151 23456782;K-3\n")

    imported = done(bakery, f"Handy;Kundennummer;Abgemeldet;Notiz\n0151 23456780;K-2;ja;{TOO_LONG}\n")

    assert imported.consent_counts == {"withdrawn": 2}
    assert refusals(bakery) == {PHONE: "withdrawn", "+4915123456781": "withdrawn", "+4915123456782": "no_consent"}


def test_a_no_under_an_address_that_several_have_holds_for_all_of_them(bakery: Tenant) -> None:
    done(bakery, "Handy;E-Mail\n0151 23456780;a@example.com\n0151 23456781;a@example.com\n")

    imported = done(bakery, "E-Mail;Abgemeldet\na@example.com;ja\n")

    assert imported.reasons == {"ambiguous_email": 1}
    assert imported.consent_counts == {"withdrawn": 2}
    assert set(refusals(bakery).values()) == {"withdrawn"}


def test_a_no_survives_a_crash_of_the_database_also_when_every_line_is_rejected(bakery: Tenant) -> None:
    imported = started(bakery, f"Handy;Abgemeldet;Notiz\n0151 23456780;ja;{TOO_LONG}\n")
    with pytest.raises(Killed), connection.execute_wrapper(_dying_before_the_first_range):
        importing.run(bakery.pk, imported.pk)
    expire_lease(imported)
    with tenant_scope(bakery):
        # What PostgreSQL does with unlogged tables when it recovers.
        assert StagedRow.objects.all().delete()[0] == 1

    assert worked(imported).consent_counts == {"withdrawn": 1}


def _dying_before_the_first_range(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    if "CREATE TEMP TABLE import_batch" in sql:
        raise Killed
    return run(sql, params, many, context)
