"""The nightly verification of every ledger: found again after a lost ring, shown to the company and the operator."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from consent import ledger
from consent.ledger import anchoring, checking, verifying
from consent.models import ConsentEvent, ConsentHead, LedgerAnchor, LedgerCheck, WordingVersion
from consent.tasks import check_ledger, check_ledgers, deposit_heads
from tenants import counting
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import entry, person, published
from tests.consent.test_anchors import ANCHORS, as_owner, build_anew
from tests.operations.test_metrics import scraped

EVENTS = "consent_consentevent"


@pytest.fixture
def grown(bakery: Tenant) -> Tenant:
    """The bakery with five rows in its ledger, signed, and two after that."""
    with tenant_scope(bakery):
        ledger.append(bakery, [entry() for _ in range(5)])
    assert anchoring.anchor(bakery)
    with tenant_scope(bakery):
        ledger.append(bakery, [entry() for _ in range(2)])
    return bakery


@pytest.fixture
def clerk(client: Client, bakery_made: NewTenant) -> Client:
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Lets time pass for the checks."""
    started = timezone.now()
    return lambda passed: monkeypatch.setattr(checking.timezone, "now", lambda: started + passed)


def check(tenant: Tenant) -> LedgerCheck:
    with tenant_scope(tenant):
        return LedgerCheck.objects.get(tenant=tenant)


def checked(tenant: Tenant) -> LedgerCheck:
    while checking.work(tenant.pk):
        pass
    return check(tenant)


def checked_again(tenant: Tenant) -> LedgerCheck:
    """As on the next night."""
    with tenant_scope(tenant):
        LedgerCheck.objects.update(begun_at=timezone.now() - timedelta(days=1))
    return checked(tenant)


def altered(tenant: Tenant) -> None:
    as_owner(tenant, EVENTS, lambda: ConsentEvent.objects.filter(tenant=tenant, seq=3).update(source_ref="elsewhere"))


def page(clerk: Client, path: str = "processing/") -> str:
    return " ".join(clerk.get(f"/bakery/{path}").content.decode().split())


def test_every_ledger_is_verified_once_a_night(grown: Tenant, shop: Tenant, later: Callable[[timedelta], None]) -> None:
    assert set(checking.due()) == {grown.pk, shop.pk}
    checked(grown)
    found = checked(shop)

    assert (found.is_intact, found.rows, found.signed_on) == (True, 0, None)
    found = check(grown)
    assert (found.is_intact, found.rows, found.anchors, found.signed_on) == (True, 7, 1, timezone.now().date())
    assert checking.due() == []
    assert not checking.work(grown.pk)

    later(timedelta(days=1))
    assert set(checking.due()) == {grown.pk, shop.pk}


def test_a_long_ledger_is_verified_a_stretch_at_a_time_and_gone_on_with_after_a_lost_ring(
    grown: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "BATCH", 2)
    monkeypatch.setattr(checking, "PAGES", 1)

    assert checking.work(grown.pk)

    assert (check(grown).walk["seq"], check(grown).checked_at) == (2, None)
    # The ring for the next stretch is lost: beat finds it.
    assert checking.due() == [grown.pk]
    found = checked(grown)
    assert (found.is_intact, found.rows, found.anchors, found.walk) == (True, 7, 1, None)


def test_what_a_dead_worker_has_begun_is_taken_over_when_its_time_is_over(
    grown: Tenant, later: Callable[[timedelta], None]
) -> None:
    with tenant_scope(grown):
        LedgerCheck.objects.create(
            tenant=grown, begun_at=timezone.now(), walk={"seq": 0}, leased_until=timezone.now() + checking.LEASE
        )
    assert checking.due() == []
    assert not checking.work(grown.pk)

    with tenant_scope(grown):
        LedgerCheck.objects.update(leased_until=timezone.now() - timedelta(seconds=1))

    assert checking.due() == [grown.pk]
    assert checked(grown).is_intact


@pytest.mark.parametrize("batch", [1, 2, 3, 5000])
def test_rows_cut_off_at_the_end_are_missed_however_the_walk_is_divided(
    grown: Tenant, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "BATCH", batch)
    monkeypatch.setattr(checking, "PAGES", 1)
    as_owner(grown, EVENTS, lambda: ConsentEvent.objects.filter(tenant=grown, seq__gt=6).delete())

    found = checked(grown)

    assert (found.is_intact, found.broken_seq, found.because) == (False, 7, "missing at the end of the chain")


def test_an_altered_row_turns_the_badge_red_and_raises_the_alarm(grown: Tenant, clerk: Client) -> None:
    counting.client().flushdb()
    assert "was not verified yet" in page(clerk)
    checked(grown)
    assert "7 rows, all unaltered. Last signed head:" in page(clerk)
    assert scraped(clerk)["ledgers_broken"] == 0

    altered(grown)
    checked_again(grown)

    shown = page(clerk)
    assert "from row 3 on it proves nothing any more (its columns differ from the text that was hashed)" in shown
    assert "Tell whoever runs it at once" in shown
    assert scraped(clerk)["ledgers_broken"] == 1


def test_a_chain_built_anew_without_its_heads_is_found_by_those_in_the_folder(
    grown: Tenant, clerk: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.LEDGER_ANCHOR_DIR = str(tmp_path)
    deposit_heads()
    as_owner(grown, EVENTS, lambda: build_anew(grown, from_seq=1))
    as_owner(grown, ANCHORS, lambda: LedgerAnchor.objects.all().delete())

    found = checked(grown)

    assert (found.is_intact, found.broken_seq) == (False, 1)
    assert found.because == "the anchor of %(day)s that was kept elsewhere is missing in the database"
    assert "Tell whoever runs it at once" in page(clerk)


def test_heads_that_are_not_in_the_folder_any_more_are_told_to_the_operator_and_kept_anew(
    grown: Tenant, clerk: Client, settings: Settings, tmp_path: Path
) -> None:
    counting.client().flushdb()
    settings.LEDGER_ANCHOR_DIR = str(tmp_path)
    deposit_heads()
    assert not checked(grown).is_uncompared
    path = tmp_path / f"{grown.slug}.jsonl"
    path.unlink()

    checked_again(grown)

    assert (check(grown).is_intact, check(grown).is_uncompared) == (True, True)
    assert scraped(clerk)["ledgers_uncompared"] == 1
    deposit_heads()
    assert len(path.read_text().splitlines()) == 1
    checked_again(grown)
    assert scraped(clerk)["ledgers_uncompared"] == 0


@pytest.mark.parametrize(
    "line", ['{"text": "{\\"day\\":\\"2026-01-01\\"}", "key_id": "a", "signature": ""}', "[]", "{"]
)
def test_a_line_in_the_folder_that_is_no_head_keeps_no_ledger_from_being_verified(
    grown: Tenant, settings: Settings, tmp_path: Path, line: str
) -> None:
    settings.LEDGER_ANCHOR_DIR = str(tmp_path)
    deposit_heads()
    with (tmp_path / f"{grown.slug}.jsonl").open("a") as file:
        file.write(f"{line}\n")

    found = checked(grown)

    assert (found.is_intact, found.is_uncompared) == (True, False)


def test_a_signed_head_that_does_not_fit_any_more_shows_at_once_also_on_a_proof(grown: Tenant, clerk: Client) -> None:
    checked(grown)
    with tenant_scope(grown):
        anna = person(grown)
        ledger.append(grown, [entry(anna.subject_id)])
    as_owner(grown, EVENTS, lambda: build_anew(grown, from_seq=2))

    for path in ("processing/", f"contacts/{anna.uid}/proof/"):
        shown = page(clerk, path)
        assert "Found just now: not what was signed on" in shown
        assert "up to row 5" in shown


def test_a_forged_head_shows_at_once(grown: Tenant, clerk: Client) -> None:
    checked(grown)
    text = anchoring.stored(grown)[0].text.replace('"seq":5', '"seq":4')

    as_owner(grown, ANCHORS, lambda: LedgerAnchor.objects.update(text=text))

    assert "is not signed by us" in page(clerk)


def test_an_end_that_the_chain_does_not_have_shows_at_once(grown: Tenant, clerk: Client) -> None:
    checked(grown)
    with tenant_scope(grown):
        ConsentHead.objects.update(last_seq=6)

    assert "not the row that the head of the chain names" in page(clerk)


def test_a_consent_text_that_was_changed_is_named(grown: Tenant, clerk: Client) -> None:
    with tenant_scope(grown):
        version = published(grown, name="Ladenformular")
    as_owner(
        grown, "consent_wordingversion", lambda: WordingVersion.objects.filter(pk=version.pk).update(texts={"de": "Ja"})
    )

    assert not checked(grown).is_intact

    assert "The consent text Ladenformular (1) was changed after it was published." in page(clerk)


def test_a_check_that_does_not_run_any_more_is_told_to_the_company_and_the_operator(
    grown: Tenant, clerk: Client
) -> None:
    counting.client().flushdb()
    checked(grown)
    assert scraped(clerk)["ledgers_unchecked"] == 0

    with tenant_scope(grown):
        LedgerCheck.objects.update(checked_at=timezone.now() - timedelta(days=3))
    Tenant.objects.update(created_at=timezone.now() - timedelta(days=9))

    assert "The nightly check has not run since." in page(clerk)
    assert scraped(clerk)["ledgers_unchecked"] == 1


def test_the_shop_sees_nothing_of_the_bakerys_ledger(grown: Tenant, shop_made: NewTenant, client: Client) -> None:
    checked(grown)
    checked(shop_made.tenant)
    client.force_login(shop_made.owner)
    client.cookies["django_language"] = "en"

    shown = client.get("/shop/processing/").content.decode()

    assert "it is empty" in shown


def test_looking_costs_the_same_however_long_the_ledger_is(grown: Tenant, django_assert_max_num_queries) -> None:
    checked(grown)
    with tenant_scope(grown), django_assert_max_num_queries(5):
        assert checking.standing(grown).tone == "good"


def test_beat_finds_and_workers_verify(grown: Tenant, shop: Tenant) -> None:
    check_ledger.app.conf.task_always_eager = True
    try:
        check_ledgers()
    finally:
        check_ledger.app.conf.task_always_eager = False

    assert check(grown).is_intact
    assert check(shop).is_intact
