"""Imports whose worker dies, is overtaken or is cancelled on the way: nothing lost, nothing counted twice."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from consent import importing
from consent.actions import imports
from contacts.importing import staging, upserting
from contacts.models import Contact, Import, RejectedRow, StagedRow
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.imports import counts, done, started, worked

SENTENCE = "Ja, per WhatsApp gern, ich bin mindestens 16 Jahre alt"
LINES = 45


class Killed(BaseException):
    """The process ends here, as far as its code can tell."""


@pytest.fixture
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "LINES_PER_BATCH", 10)
    monkeypatch.setattr(upserting, "LINES_PER_RANGE", 10)


def people() -> str:
    """45 lines: 40 people, every ninth line with a bad number, a duplicate, an opt-out, and blank lines between."""
    lines = ["Handy;Vorname;Abgemeldet;Einwilligung am;Einwilligungsquelle;Wortlaut;Nachweis"]
    for at in range(LINES):
        phone = "12" if at % 9 == 8 else f"0151 234567{at:02}"
        lines.append(f"{phone};Person {at};{'ja' if at == 3 else ''};01.02.2025;Laden;{SENTENCE};Blatt {at}")
        if at % 10 == 7:
            lines.append(";;;;;;")
    lines[5] = lines[4]
    return "\n".join(lines) + "\n"


def dying_at(statement: int) -> Callable[..., Any]:
    """A wrapper of database statements that kills the worker before the n-th of them."""
    seen = 0

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        nonlocal seen
        seen += 1
        if seen == statement:
            raise Killed
        return run(sql, params, many, context)

    return execute


def expire_lease(imported: Import) -> None:
    with tenant_scope(imported.tenant_id):
        Import.objects.filter(pk=imported.pk).update(leased_until=timezone.now() - timedelta(seconds=1))


def told(imported: Import) -> tuple[Any, ...]:
    return (*counts(imported), imported.reasons, imported.consent_counts)


@pytest.mark.usefixtures("_small_batches")
@pytest.mark.parametrize("first", [1, 4, 9])
def test_an_import_killed_before_any_statement_ends_as_if_nothing_had_happened(
    bakery: Tenant, shop: Tenant, first: int
) -> None:
    expected = told(done(shop, people()))
    assert expected == (
        *(39, 0, 0, 6),
        {"invalid_phone": 5, "duplicate_in_file": 1},
        {"granted": 38, "withdrawn": 1, "line_rejected": 6},
    )

    imported = started(bakery, people())
    for statement in range(first, 4000, 7):
        try:
            with connection.execute_wrapper(dying_at(statement)):
                importing.run(bakery.pk, imported.pk)
        except Killed:
            expire_lease(imported)
            continue
        break
    else:
        pytest.fail("the import never got through")

    with tenant_scope(bakery):
        finished = Import.objects.get(pk=imported.pk)
        assert told(finished) == expected
        assert Contact.objects.count() == 39
        assert RejectedRow.objects.order_by("line")[0].cells[0] == "0151 23456703"
        assert not StagedRow.objects.exists()


@pytest.mark.usefixtures("_small_batches")
def test_staged_lines_lost_in_a_crash_of_the_database_are_staged_again(bakery: Tenant, shop: Tenant) -> None:
    expected = told(done(shop, people()))
    imported = started(bakery, people())
    with pytest.raises(Killed), connection.execute_wrapper(_dying_in_the_third_range()):
        importing.run(bakery.pk, imported.pk)
    expire_lease(imported)
    with tenant_scope(bakery):
        assert Import.objects.get(pk=imported.pk).rows_done == 20
        # What PostgreSQL does with unlogged tables when it recovers.
        StagedRow.objects.all().delete()

    assert told(worked(imported)) == expected


def _dying_in_the_third_range() -> Callable[..., Any]:
    seen = 0

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        nonlocal seen
        seen += "CREATE TEMP TABLE import_batch" in sql
        if seen == 3:
            raise Killed
        return run(sql, params, many, context)

    return execute


def test_a_worker_leaves_an_import_alone_that_another_one_has(bakery: Tenant) -> None:
    imported = started(bakery, people())
    with tenant_scope(bakery):
        Import.objects.filter(pk=imported.pk).update(leased_until=timezone.now() + timedelta(minutes=1))

    importing.run(bakery.pk, imported.pk)

    with tenant_scope(bakery):
        assert Import.objects.get(pk=imported.pk).state == "running"
        assert not Contact.objects.exists()
    assert importing.due() == []


def test_imports_without_a_living_worker_are_found_for_every_tenant(bakery: Tenant, shop: Tenant) -> None:
    never_taken = started(bakery, people())
    lost = started(shop, people())
    expire_lease(lost)
    done(shop, people())

    assert importing.due() == [(bakery.pk, never_taken.pk), (shop.pk, lost.pk)]


@pytest.mark.usefixtures("_small_batches")
def test_a_cancel_between_batches_keeps_what_is_done_and_stops_the_rest(bakery: Tenant) -> None:
    imported = started(bakery, people())
    with pytest.raises(Killed), connection.execute_wrapper(_dying_in_the_third_range()):
        importing.run(bakery.pk, imported.pk)
    expire_lease(imported)
    with tenant_scope(bakery):
        imports.cancel(imported=imported, by=None)
        assert StagedRow.objects.exists()

    assert importing.due() == [(bakery.pk, imported.pk)]
    cancelled = worked(imported)

    assert (cancelled.state, cancelled.rows_done) == ("cancelled", 20)
    with tenant_scope(bakery):
        assert Contact.objects.count() == cancelled.created > 0
        assert not StagedRow.objects.exists()
        imports.run(imported=imported, by=None)
    again = worked(imported)
    assert again.unchanged == cancelled.created
    assert counts(again) == (39 - cancelled.created, 0, cancelled.created, 6)


DIES = """
import os, signal, sys
import django
django.setup()
from django.db import connection
from consent import importing
from contacts.importing import staging, upserting
staging.LINES_PER_BATCH = upserting.LINES_PER_RANGE = 10
seen = 0
def execute(run, sql, params, many, context):
    global seen
    seen += sys.argv[3] in sql
    if seen == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return run(sql, params, many, context)
with connection.execute_wrapper(execute):
    importing.run(int(sys.argv[1]), int(sys.argv[2]))
"""


@pytest.mark.django_db(transaction=True)
def test_an_import_survives_processes_that_are_really_killed(bakery: Tenant, tmp_path: Path) -> None:
    imported = started(bakery, people())
    where = {**connection.settings_dict, "HOST": connection.settings_dict["HOST"].replace("/", "%2F")}
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**where)
    environment = {**os.environ, "DATABASE_URL": url, "MEDIA_ROOT": settings.MEDIA_ROOT}

    for marker in ("INSERT INTO contacts_stagedrow", "CREATE TEMP TABLE import_batch"):
        command = [sys.executable, "-c", DIES, str(bakery.pk), str(imported.pk), marker]
        process = subprocess.run(command, env=environment, cwd=settings.BASE_DIR, check=False)
        assert process.returncode == -signal.SIGKILL
        expire_lease(imported)

    finished = worked(imported)
    assert told(finished) == (
        *(39, 0, 0, 6),
        {"invalid_phone": 5, "duplicate_in_file": 1},
        {"granted": 38, "withdrawn": 1, "line_rejected": 6},
    )
    with tenant_scope(bakery):
        assert Contact.objects.count() == 39
