"""Imported lines whose consent was not recorded are named one by one, with their cells and the reason."""

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consent import importing
from consent.actions import imports
from contacts.importing import noting, reasons, upserting
from contacts.models import Import, NotedRow
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.imports import counts, done, started, worked
from tests.consent.test_imports_api import URL, client_of
from tests.consent.test_imports_consent import OPTOUT, SENTENCE
from tests.consent.test_imports_survive import Killed, expire_lease

HEADER = "Handy;Vorname;Einwilligung am;Einwilligungsquelle;Wortlaut;Nachweis"
LINES = [
    f"0151 23456781;Anna;01.02.2025;Laden;{SENTENCE};Blatt 1",
    f"0151 23456782;Bernd;01.02.2025;;{SENTENCE};Blatt 2",
    ";;;;;",
    f"0151 23456780;Cara;01.02.2025;Laden;{SENTENCE};Blatt 3",
    "0151 23456784;Dora;01.02.2025;Laden;Newsletter per E-Mail;Blatt 4",
    f"12;Emil;01.02.2025;;{SENTENCE};Blatt 5",
    "0151 23456786;Frida;;;;",
    '0151 23456787;"Gerd\nder Große";;;;Blatt 7',
]
CONTENT = "\n".join([HEADER, *LINES]) + "\n"


def told(imported: Import) -> list[list[str]]:
    """The lines of the download without its header: first name, line and reason."""
    _header, *rows = noting.noted_rows(imported.tenant, imported)
    return [[row[1], *row[6:]] for row in rows]


def label(code: str) -> str:
    return str(reasons.CONSENT[code])


@pytest.mark.parametrize("is_dry_run", [True, False])
def test_each_line_without_its_consent_is_named_with_the_reason(bakery: Tenant, is_dry_run: bool) -> None:
    done(bakery, OPTOUT)

    imported = done(bakery, CONTENT, is_dry_run=is_dry_run)

    assert counts(imported) == (5, 1, 0, 1)
    assert imported.consent_counts == {
        "granted": 1,
        "no_proof": 2,
        "wording_without_whatsapp": 1,
        "skipped_suppressed": 1,
        "not_claimed": 1,
        "line_rejected": 1,
    }
    no_proof = str(reasons.CONSENT_AHEAD["no_proof"]) if is_dry_run else label("no_proof")
    assert told(imported) == [
        ["Bernd", "3", no_proof],
        ["Cara", "5", label("skipped_suppressed")],
        ["Dora", "6", label("wording_without_whatsapp")],
        ["Gerd\nder Große", "9", no_proof],
    ]


def test_a_wording_of_its_own_on_every_line_is_noted_on_every_line(bakery: Tenant) -> None:
    lines = [f"0151 234567{at:02};P;01.02.2025;Laden;{SENTENCE} {at};Blatt" for at in range(60)]

    imported = done(bakery, "\n".join([HEADER, *lines]))

    assert imported.consent_counts == {"wording_not_uniform": 60}
    assert told(imported) == [["P", str(at + 2), label("wording_not_uniform")] for at in range(60)]


def test_a_run_after_a_check_forgets_what_the_check_has_noted(bakery: Tenant) -> None:
    imported = done(bakery, CONTENT, is_dry_run=True)
    with tenant_scope(bakery):
        imports.run(imported=imported, by=None)

    finished = worked(imported)

    assert [line for _name, line, _note in told(finished)] == ["3", "6", "9"]
    with tenant_scope(bakery):
        assert NotedRow.objects.count() == 3


def test_a_worker_killed_on_the_way_notes_nothing_twice(bakery: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upserting, "LINES_PER_RANGE", 2)
    imported = started(bakery, CONTENT)
    for _attempt in range(2):
        with pytest.raises(Killed), connection.execute_wrapper(dying_after_notes()):
            importing.run(bakery.pk, imported.pk)
        expire_lease(imported)

    assert [line for _name, line, _note in told(worked(imported))] == ["3", "6", "9"]


def dying_after_notes() -> Any:
    """Kills the worker in the transaction after the one that noted a line."""
    has_noted = False

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal has_noted
        if has_noted and sql.startswith("DROP TABLE IF EXISTS import_matches"):
            raise Killed
        has_noted = has_noted or "INSERT INTO contacts_notedrow" in sql
        return run(sql, params, many, context)

    return execute


def test_the_download_costs_no_query_per_line_and_reads_pages(bakery: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noting, "LINES_PER_QUERY", 50)
    lines = [f"0151 23456{at:03};P{at};;;;Blatt" for at in range(120)]
    imported = done(bakery, "\n".join([HEADER, *lines]))

    with CaptureQueriesContext(connection) as captured:
        rows = told(imported)

    assert [row[0] for row in rows] == [f"P{at}" for at in range(120)]
    assert sum("contacts_notedrow" in query["sql"] for query in captured) == 3


def test_lines_are_named_also_when_their_file_is_gone(bakery: Tenant) -> None:
    imported = done(bakery, CONTENT)
    imported.file.storage.delete(imported.file.name)

    assert [row[1] for row in told(imported)] == ["3", "6", "9"]


def test_the_api_serves_the_lines_until_they_are_forgotten(bakery_made: NewTenant, shop_made: NewTenant) -> None:
    imported = done(bakery_made.tenant, CONTENT)
    client, path = client_of(bakery_made), f"{URL}{imported.uid}/notes/"

    content = b"".join(client.get(path).streaming_content).decode("utf-8-sig")

    header, *rows = csv.reader(io.StringIO(content), delimiter=";")
    assert header == [*HEADER.split(";"), "Line", "Note"]
    assert [row[6] for row in rows] == ["3", "6", "9"]
    assert client_of(shop_made).get(path).status_code == 404
    with tenant_scope(bakery_made.tenant):
        Import.objects.update(file="")
    assert client.get(path).status_code == 410
