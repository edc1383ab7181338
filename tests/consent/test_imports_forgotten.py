"""Uploaded files and rejected lines go 30 days after an import is over; its counts stay."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils.timezone import now

from consent import tasks
from consent.actions import imports
from consent.models import Disposal
from consent.rights import keeping
from contacts.importing import forgetting
from contacts.models import Import, NotedRow, RejectedRow
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.imports import done, started

PHONES = "Handy;Vorname\n0151 23456780;Anna\n12;Bob\n13;Cleo\n"
OLD = timedelta(days=30, minutes=1)


def aged(imported: Import, by: timedelta = OLD) -> Import:
    """The import as it stands after this time."""
    with tenant_scope(imported.tenant_id):
        row = Import.objects.get(pk=imported.pk)
        over = row.finished_at and now() - by
        Import.objects.filter(pk=row.pk).update(created_at=now() - by, finished_at=over)
    return imported


def fresh(imported: Import) -> Import:
    with tenant_scope(imported.tenant_id):
        return Import.objects.get(pk=imported.pk)


def rejected(imported: Import) -> int:
    with tenant_scope(imported.tenant_id):
        return RejectedRow.objects.filter(imported=imported).count()


def files(uploads: Path) -> int:
    return sum(1 for path in uploads.rglob("*.csv"))


def test_file_and_rejected_lines_are_deleted_after_thirty_days_and_counts_stay(
    bakery: Tenant, shop: Tenant, uploads: Path
) -> None:
    old, young, other = done(bakery, PHONES), done(bakery, PHONES), done(shop, PHONES)
    aged(old)
    aged(young, by=timedelta(days=29))
    aged(other)

    tasks.forget_imports()

    assert (rejected(old), rejected(young), rejected(other)) == (0, 2, 0)
    assert files(uploads) == 1
    assert (fresh(old).is_forgotten, fresh(young).is_forgotten) == (True, False)
    assert (fresh(old).state, fresh(old).created, fresh(old).rejected, fresh(old).reasons) == (
        "finished", 1, 2, {"invalid_phone": 2},
    )  # fmt: skip


def test_cg_55_what_was_deleted_stands_in_the_log_of_periods(bakery: Tenant, shop: Tenant) -> None:
    for tenant, imports_of in ((bakery, 2), (shop, 1)):
        for _import in range(imports_of):
            aged(done(tenant, PHONES))

    tasks.forget_imports()
    tasks.forget_imports()

    for tenant, counts in ((bakery, {"imports": 2, "lines": 4}), (shop, {"imports": 1, "lines": 2})):
        with tenant_scope(tenant):
            assert dict(Disposal.objects.values_list("what", "count")) == counts


def test_what_cannot_be_logged_is_not_forgotten(bakery: Tenant) -> None:
    old = aged(done(bakery, PHONES))

    def breaks(_gone: forgetting.Gone) -> None:
        raise OSError

    with pytest.raises(OSError):
        forgetting.forget(older_than=tasks.KEPT, note=breaks)

    assert not fresh(old).is_forgotten
    assert rejected(old) == 2


def test_what_was_noted_of_single_lines_goes_with_the_file(bakery: Tenant) -> None:
    claims = "Handy;WhatsApp-Einwilligung\n0151 23456780;ja\n"
    old, young = aged(done(bakery, claims)), done(bakery, claims)

    tasks.forget_imports()

    with tenant_scope(bakery):
        assert list(NotedRow.objects.values_list("imported", flat=True)) == [young.pk]
    assert fresh(old).consent_counts == {"no_proof": 1}


def test_one_that_nobody_went_on_with_is_forgotten_too(bakery: Tenant, uploads: Path) -> None:
    guessed, checked = started(bakery, "A;B\n1;2\n"), done(bakery, PHONES, is_dry_run=True)
    cancelled, recent = started(bakery, PHONES), aged(started(bakery, PHONES))
    with tenant_scope(bakery):
        imports.cancel(imported=cancelled, by=None)
        imports.cancel(imported=recent, by=None)
    for imported in (guessed, checked, cancelled):
        aged(imported)

    tasks.forget_imports()

    assert [fresh(each).is_forgotten for each in (guessed, checked, cancelled, recent)] == [True, True, True, False]
    assert files(uploads) == 1


def test_one_that_is_still_worked_on_keeps_its_file(bakery: Tenant, uploads: Path) -> None:
    running = aged(started(bakery, PHONES))

    tasks.forget_imports()

    assert not fresh(running).is_forgotten
    assert files(uploads) == 1


def test_a_file_that_is_gone_already_stops_nothing(bakery: Tenant, uploads: Path) -> None:
    first, second = aged(done(bakery, PHONES)), aged(done(bakery, PHONES))
    next(uploads.rglob("*.csv")).unlink()

    tasks.forget_imports()

    assert fresh(first).is_forgotten
    assert fresh(second).is_forgotten
    assert files(uploads) == 0


def test_many_are_forgotten_batch_by_batch(bakery: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "MOST_FILES", 2)
    monkeypatch.setattr(forgetting, "MOST_LINES", 3)
    old = [aged(done(bakery, PHONES)) for _ in range(3)]

    left = [forgetting.forget(older_than=tasks.KEPT, note=keeping.note_imports) for _ in range(3)]

    assert left == [True, True, False]
    assert [rejected(imported) for imported in old] == [0, 0, 0]
    assert all(fresh(imported).is_forgotten for imported in old)


def test_what_was_forgotten_says_so_and_cannot_be_run_again(bakery_made: NewTenant) -> None:
    client = Client(headers={"Authorization": f"Bearer {bakery_made.api_key}", "Accept-Language": "en"})
    imported = aged(done(bakery_made.tenant, PHONES, is_dry_run=True))
    path = f"/api/v1/imports/{imported.uid}/"
    assert client.get(f"{path}rejected/").status_code == 200

    tasks.forget_imports()

    gone = client.get(f"{path}rejected/")
    assert (gone.status_code, gone["Content-Type"]) == (410, "application/problem+json")
    assert "30 days" in gone.json()["detail"]
    for refused in (
        client.post(f"{path}run/"),
        client.post(f"{path}check/"),
        client.patch(f"{path}mapping/", {"mapping": {"Handy": "phone"}}, "application/json"),
    ):
        assert refused.status_code == 409
        assert "Upload it again" in refused.json()["detail"]
    shown = client.get(path).json()
    assert (shown["state"], shown["rejected"]) == ("checked", 2)
