"""Whoever was erased stays erased when an older backup is restored."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from consent import queries, tasks
from consent.actions import declarations, requests
from consent.models import ConsentEvent, DataRequest, Suppression
from consent.rights import working
from contacts.models import Contact
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, person, stop
from tests.consent.rights.traces import erased
from tests.contacts.calls import Caller

PHONE = "+4915212345678"


class Backup:
    """The database as it was when this was made: a savepoint stands for the dump."""

    def __init__(self) -> None:
        self._made = transaction.savepoint()

    def restore(self) -> None:
        transaction.savepoint_rollback(self._made)


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    with tenant_scope(bakery):
        anna = person(bakery, phone=PHONE, email="family@example.com", first_name="Anna")
        agree(bakery, anna, occurred_at=timezone.now())
        return Contact.objects.select_related("tenant").get(pk=anna.pk)


@pytest.fixture
def backup(anna: Contact) -> Backup:
    assert connection.in_atomic_block
    return Backup()


def replayed() -> str:
    out = StringIO()
    call_command("replay_erasures", stdout=out)
    return out.getvalue()


def names(bakery: Tenant) -> list[str]:
    with tenant_scope(bakery):
        return list(Contact.objects.order_by("pk").values_list("first_name", flat=True))


def test_a_restored_backup_knows_the_person_until_the_erasures_are_replayed(
    alice: Caller, bakery: Tenant, anna: Contact, backup: Backup
) -> None:
    erased(alice, bakery, anna)
    assert names(bakery) == []
    backup.restore()
    assert names(bakery) == ["Anna"]

    assert replayed() == "1 erasures on record, 1 contacts erased again.\n"

    assert names(bakery) == []
    with tenant_scope(bakery):
        assert ConsentEvent.objects.filter(subject_id=anna.subject_id, state="erased").count() == 1
        assert Suppression.objects.filter(lifted_at=None).count() == 2
    call_command("verify_ledger")
    call_command("verify_kpis")


def test_replaying_twice_or_without_a_restore_changes_nothing(
    alice: Caller, bakery: Tenant, anna: Contact, erasure_log: Path
) -> None:
    erased(alice, bakery, anna)

    assert replayed() == replayed() == "1 erasures on record, 0 contacts erased again.\n"

    with tenant_scope(bakery):
        assert ConsentEvent.objects.filter(state="erased").count() == 1
        assert Suppression.objects.filter(lifted_at=None).count() == 2
    assert len(erasure_log.read_text().splitlines()) == 1


def test_who_came_back_by_themselves_is_left_alone(alice: Caller, bakery: Tenant, anna: Contact) -> None:
    erased(alice, bakery, anna)
    with tenant_scope(bakery):
        again = person(bakery, phone=PHONE, first_name="Anna again")
        agree(bakery, again, occurred_at=timezone.now())
        assert queries.may_send(contact=again, channel="whatsapp", purpose="marketing").allowed

    replayed()

    assert names(bakery) == ["Anna again"]
    with tenant_scope(bakery):
        assert queries.may_send(contact=again, channel="whatsapp", purpose="marketing").allowed


def test_who_was_blocked_before_and_came_back_by_themselves_is_left_alone(
    alice: Caller, bakery: Tenant, anna: Contact
) -> None:
    with tenant_scope(bakery):
        declarations.suppress(tenant=bakery, phone=PHONE, dedupe="block")
    erased(alice, bakery, anna)
    with tenant_scope(bakery):
        again = person(bakery, phone=PHONE, first_name="Anna again")
        agree(bakery, again, occurred_at=timezone.now())

    replayed()

    with tenant_scope(bakery):
        assert queries.may_send(contact=again, channel="whatsapp", purpose="marketing").allowed


def test_somebody_who_only_shares_the_address_is_left_alone(
    alice: Caller, bakery: Tenant, anna: Contact, backup: Backup
) -> None:
    with tenant_scope(bakery):
        person(bakery, phone="+4915212345679", email="family@example.com", first_name="Bert")
    shared = Backup()
    erased(alice, bakery, anna)
    shared.restore()

    replayed()

    assert names(bakery) == ["Bert"]


def test_the_record_tells_nothing_about_anybody_and_other_companies_are_not_touched(
    alice: Caller, bakery: Tenant, anna: Contact, backup: Backup, shop_made: NewTenant, erasure_log: Path
) -> None:
    with tenant_scope(shop_made.tenant):
        person(shop_made.tenant, phone=PHONE, first_name="Anna in the shop")
    made = Backup()
    erased(alice, bakery, anna)
    made.restore()

    replayed()

    assert names(bakery) == []
    assert names(shop_made.tenant) == ["Anna in the shop"]
    line = erasure_log.read_text()
    assert not any(word in line for word in ("Anna", "4915212345678", "family"))
    assert erasure_log.stat().st_mode & 0o777 == 0o600


def test_a_damaged_record_is_named_and_nothing_is_erased(
    alice: Caller, bakery: Tenant, anna: Contact, erasure_log: Path
) -> None:
    erasure_log.parent.mkdir()
    erasure_log.write_text('{"tenant": 1}\n')

    with pytest.raises(CommandError, match="line 1"):
        replayed()
    assert names(bakery) == ["Anna"]


def test_an_erasure_that_cannot_be_put_on_record_does_not_happen(
    alice: Caller, bakery: Tenant, anna: Contact, erasure_log: Path
) -> None:
    # A file stands where the folder should be.
    erasure_log.parent.write_text("")

    with pytest.raises(OSError, match=r"exist|directory"):
        erased(alice, bakery, anna)

    assert names(bakery) == ["Anna"]
    with tenant_scope(bakery):
        request = DataRequest.objects.get()
        assert (request.state, bool(request.error)) == ("open", True)
        assert Contact.objects.get().restricted_at is not None


def test_at_the_persons_wish_the_hash_goes_too_and_a_restore_still_erases_them(
    alice: Caller, bakery: Tenant, bakery_made: NewTenant, anna: Contact, backup: Backup, erasure_log: Path
) -> None:
    with tenant_scope(bakery):
        bert = person(bakery, phone="+4915212345679", email="family@example.com", first_name="Bert")
        stop(bakery, bert)
    request = erased(alice, bakery, anna)
    key = dict(request.digests)["phone"]
    assert key in erasure_log.read_text()

    with tenant_scope(bakery):
        requests.drop_block(request=request, by=bakery_made.owner)
    assert working.dropping_hashes() == [(bakery.pk, request.pk)]
    tasks.forget_hashes(tenant_id=bakery.pk, request_id=request.pk)

    assert working.dropping_hashes() == []
    assert key not in erasure_log.read_text()
    with tenant_scope(bakery):
        assert DataRequest.objects.get(pk=request.pk).digests == []
        again = person(bakery, phone=PHONE, first_name="Anna again")
        assert queries.may_send(contact=again, channel="whatsapp", purpose="marketing").reason == "no_consent"
        # What a family shares stays for the others.
        assert queries.may_send(contact=bert, channel="whatsapp", purpose="marketing").reason == "withdrawn"
        assert Suppression.objects.filter(kind="email", lifted_at=None).exists()
        with pytest.raises(requests.NotNow):
            requests.drop_block(request=request, by=bakery_made.owner)
    backup.restore()

    replayed()

    assert "Anna" not in names(bakery)
    with tenant_scope(bakery):
        assert not Suppression.objects.filter(digest=bytes.fromhex(key)).exists()


def test_the_entry_is_deleted_in_the_dashboard_once_somebody_has_confirmed_it(
    alice: Caller, client: Client, bakery: Tenant, bakery_made: NewTenant, anna: Contact, erasure_log: Path
) -> None:
    request = erased(alice, bakery, anna)
    client.force_login(bakery_made.owner)
    page = f"/bakery/data-requests/{request.uid}/"
    assert f"{page}unblock/" in client.get(page).content.decode()

    assert 'name="confirmed"' in client.post(f"{page}unblock/").content.decode()
    with tenant_scope(bakery):
        assert Suppression.objects.exists()
    client.post(f"{page}unblock/", {"confirmed": "1"})

    with tenant_scope(bakery):
        assert not Suppression.objects.exists()
    assert f"{page}unblock/" not in client.get(page).content.decode()
