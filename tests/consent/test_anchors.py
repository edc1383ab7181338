"""Signed heads: who owns the database can build a chain anew, but not so that it fits what was signed."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from consent import ledger
from consent.ledger import anchoring, chain
from consent.models import ConsentEvent, ConsentHead, LedgerAnchor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import entry

ANCHORS = "consent_ledgeranchor"


@pytest.fixture
def on_day(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets so many days pass."""
    started = timezone.now()
    return lambda days: monkeypatch.setattr(anchoring.timezone, "now", lambda: started + timedelta(days=days))


@pytest.fixture
def anchored(bakery: Tenant, on_day: Callable[[int], None]) -> list[anchoring.Signed]:
    """Two days of three rows each, signed, and a row after that."""
    found = []
    for day in range(2):
        on_day(day)
        with tenant_scope(bakery):
            ledger.append(bakery, [entry(), entry(), entry()])
        signed = anchoring.anchor(bakery)
        assert signed
        found.append(signed)
    with tenant_scope(bakery):
        ledger.append(bakery, [entry()])
    return found


def verify(tenant: Tenant, **options: object) -> str:
    out = StringIO()
    call_command("verify_ledger", tenant=tenant.slug, stdout=out, stderr=out, no_color=True, **options)
    return out.getvalue()


def broken(tenant: Tenant, **options: object) -> str:
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_ledger", tenant=tenant.slug, stdout=out, stderr=out, no_color=True, **options)
    return out.getvalue()


def as_owner(tenant: Tenant, table: str, change: Callable[[], object]) -> None:
    """Do what only the owner of the database can: without triggers."""
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        change()
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def build_anew(tenant: Tenant, *, from_seq: int) -> None:
    """Change one row's source and hash everything after it again, head included: a chain without any fault."""
    previous = chain.genesis(tenant)
    for row in ConsentEvent.objects.filter(tenant=tenant).order_by("seq"):
        if row.seq >= from_seq:
            row.source_ref = row.source_ref or "another page"
            row.canonical = chain.canonical({name: getattr(row, name) for name in chain.COLUMNS})
            row.prev_hash, row.row_hash = previous, chain.link(previous, row.canonical)
            row.save()
        previous = bytes(row.row_hash)
    ConsentHead.objects.filter(tenant=tenant).update(last_hash=previous)


def kept_elsewhere(folder: Path, anchors: list[anchoring.Signed], name: str = "anchors") -> Path:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(f"{signed.as_line()}\n" for signed in anchors))
    return path


def test_the_head_is_signed_once_a_day_and_only_when_something_was_added(
    bakery: Tenant, on_day: Callable[[int], None]
) -> None:
    assert anchoring.anchor(bakery) is None

    with tenant_scope(bakery):
        ledger.append(bakery, [entry(), entry()])
    first = anchoring.anchor(bakery)
    assert first
    assert (first.said["number"], first.said["seq"], first.said["previous"]) == (1, 2, "")
    assert anchoring.anchor(bakery) is None

    on_day(1)
    assert anchoring.anchor(bakery) is None
    with tenant_scope(bakery):
        ledger.append(bakery, [entry()])
    second = anchoring.anchor(bakery)
    assert second
    assert (second.said["number"], second.said["previous"]) == (2, anchoring.hashed(first.text))
    assert [signed.text for signed in anchoring.stored(bakery)] == [first.text, second.text]


def test_a_chain_that_fits_its_anchors_is_intact(bakery: Tenant, anchored: list[anchoring.Signed]) -> None:
    assert "7 rows, chain intact, 2 signed heads fit" in verify(bakery)


@pytest.mark.parametrize(("from_seq", "first_broken"), [(1, 1), (2, 1), (5, 4)])
def test_a_chain_built_anew_breaks_after_the_last_head_that_it_fits(
    bakery: Tenant, anchored: list[anchoring.Signed], from_seq: int, first_broken: int
) -> None:
    as_owner(bakery, "consent_consentevent", lambda: build_anew(bakery, from_seq=from_seq))

    told = broken(bakery)

    assert f"row {first_broken} is broken: not what was signed on" in told


def test_rows_that_nobody_has_signed_yet_can_only_be_defended_by_the_next_head(
    bakery: Tenant, anchored: list[anchoring.Signed]
) -> None:
    as_owner(bakery, "consent_consentevent", lambda: build_anew(bakery, from_seq=7))

    assert "7 rows, chain intact" in verify(bakery)


def test_rows_cut_off_behind_a_signed_head_are_missed(bakery: Tenant, anchored: list[anchoring.Signed]) -> None:
    def cut() -> None:
        ConsentEvent.objects.filter(tenant=bakery, seq__gt=4).delete()
        left = ConsentEvent.objects.get(tenant=bakery, seq=4)
        ConsentHead.objects.filter(tenant=bakery).update(last_seq=4, last_hash=left.row_hash)

    as_owner(bakery, "consent_consentevent", cut)

    assert "row 5 is broken: missing: on" in broken(bakery)


def test_an_anchor_without_our_signature_is_found(bakery: Tenant, anchored: list[anchoring.Signed]) -> None:
    text = anchored[1].text.replace('"seq":6', '"seq":5')
    as_owner(bakery, ANCHORS, lambda: LedgerAnchor.objects.filter(number=2).update(text=text))

    assert "is not signed by us" in broken(bakery)


def test_an_anchor_taken_out_from_between_is_missed(bakery: Tenant, anchored: list[anchoring.Signed]) -> None:
    as_owner(bakery, ANCHORS, lambda: LedgerAnchor.objects.filter(number=1).delete())

    assert "others are missing" in broken(bakery)


def test_anchors_kept_elsewhere_find_a_chain_built_anew_together_with_its_anchors(
    bakery: Tenant, anchored: list[anchoring.Signed], tmp_path: Path
) -> None:
    path = kept_elsewhere(tmp_path, anchored)
    assert "2 signed heads fit" in verify(bakery, anchors=path)

    as_owner(bakery, "consent_consentevent", lambda: build_anew(bakery, from_seq=1))
    as_owner(bakery, ANCHORS, lambda: LedgerAnchor.objects.all().delete())

    assert "chain intact" in verify(bakery)
    assert "that was kept elsewhere is missing in the database" in broken(bakery, anchors=path)


def test_the_folder_on_this_machine_finds_it_without_being_named(
    bakery: Tenant, anchored: list[anchoring.Signed], settings: Settings, tmp_path: Path
) -> None:
    settings.LEDGER_ANCHOR_DIR = str(tmp_path)
    assert "2 signed heads fit" in verify(bakery)
    path = kept_elsewhere(tmp_path, anchored, bakery.slug)
    with path.open("a") as file:
        # Cut off by a full disk, of which nobody can say that the ledger was altered.
        file.write('{"text": "{')
    assert "2 signed heads fit, with 2 in LEDGER_ANCHOR_DIR" in verify(bakery)

    as_owner(bakery, "consent_consentevent", lambda: build_anew(bakery, from_seq=1))
    as_owner(bakery, ANCHORS, lambda: LedgerAnchor.objects.all().delete())

    assert "that was kept elsewhere is missing in the database" in broken(bakery)


def test_a_file_that_holds_no_anchors_is_named(bakery: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    path.write_text("not an anchor\n")

    with pytest.raises(CommandError, match="cannot be read as signed heads"):
        call_command("verify_ledger", tenant=bakery.slug, anchors=path)


def test_a_key_that_is_retired_still_proves_and_one_that_is_gone_proves_nothing(
    bakery: Tenant, anchored: list[anchoring.Signed], settings: Settings
) -> None:
    newer = "newer:" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="
    older = list(settings.FIELD_ENCRYPTION_KEYS)
    settings.FIELD_ENCRYPTION_KEYS = [newer, *older]
    assert "2 signed heads fit" in verify(bakery)

    settings.FIELD_ENCRYPTION_KEYS = [newer]
    assert "is not signed by us" in broken(bakery)


def test_anchors_can_be_neither_changed_nor_deleted(bakery: Tenant, anchored: list[anchoring.Signed]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for change in (
        "UPDATE consent_ledgeranchor SET seq = 1",
        "DELETE FROM consent_ledgeranchor",
        f"TRUNCATE {ANCHORS}",
    ):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            tenant_scope(bakery),
            connection.cursor() as cursor,
        ):
            cursor.execute(change)
