"""People as WhatsApp knows them: by phone, by BSUID, and after a number change."""

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import pytest
from django.db import connection

from contacts import actions, identities
from contacts.models import Contact, Identity
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.roles import as_owner

PHONE, OTHER = "+493023125001", "+493023125002"
BSUID, RENEWED = "DE.13491208655302741918", "DE.23491208655302741918"


def meet(tenant: Tenant, phone: str | None = None, bsuid: str | None = None, name: str = "") -> Contact:
    return actions.find_or_create_for_whatsapp(
        tenant=tenant, phone=phone, bsuid=bsuid, profile_name=name, merged=unexpected, lost=kept
    )


def unexpected(kept: Contact, gone: Contact) -> None:
    raise AssertionError(f"{kept.pk} and {gone.pk} are two people")


def kept(old: actions.Moved) -> None:
    raise AssertionError(f"{old.contact.pk} has the number still")


def test_a_stranger_becomes_a_contact_with_the_name_they_go_by(in_bakery: Tenant) -> None:
    contact = meet(in_bakery, PHONE, BSUID, "Ada 🦄")

    stored = Contact.objects.get()
    assert stored == contact
    assert (stored.phone, stored.bsuid, stored.name, stored.first_name) == (PHONE, BSUID, "Ada 🦄", "")
    assert sorted(Identity.objects.values_list("kind", flat=True)) == ["bsuid", "phone"]


def test_somebody_with_a_username_and_no_phone_is_a_contact_too(in_bakery: Tenant) -> None:
    assert meet(in_bakery, bsuid=BSUID) == meet(in_bakery, bsuid=BSUID)
    assert Contact.objects.get().phone is None


def test_the_missing_identifier_is_learned_from_either_side(in_bakery: Tenant) -> None:
    by_phone = meet(in_bakery, PHONE)
    assert meet(in_bakery, PHONE, BSUID) == by_phone
    by_bsuid = meet(in_bakery, bsuid=RENEWED)
    assert meet(in_bakery, OTHER, RENEWED) == by_bsuid

    pairs = Contact.objects.order_by("pk").values_list("phone", "bsuid")
    assert list(pairs) == [(PHONE, BSUID), (OTHER, RENEWED)]
    assert Identity.objects.filter(valid_to=None).count() == 4


def test_another_bsuid_on_a_known_number_is_its_next_owner(in_bakery: Tenant) -> None:
    before, told = meet(in_bakery, PHONE, BSUID), list[actions.Moved]()

    met = actions.find_or_create_for_whatsapp(
        tenant=in_bakery, phone=PHONE, bsuid=RENEWED, merged=unexpected, lost=told.append
    )

    assert told == [actions.Moved(before, PHONE, BSUID)]
    assert meet(in_bakery, PHONE, RENEWED) == met != before
    assert meet(in_bakery, bsuid=BSUID) == before
    before.refresh_from_db()
    assert (before.phone, before.bsuid) == (None, BSUID)
    assert before.phone_invalid_at is not None
    assert list(Identity.objects.filter(kind="phone", valid_to=None).values_list("contact", flat=True)) == [met.pk]


def test_whoever_has_lost_their_only_number_stays_and_whoever_shows_another_has_that(in_bakery: Tenant) -> None:
    before, told = meet(in_bakery, PHONE), list[actions.Moved]()
    Contact.objects.update(phone_invalid_at=before.created_at)

    met = actions.find_or_create_for_whatsapp(
        tenant=in_bakery, phone=PHONE, bsuid=None, merged=unexpected, lost=told.append
    )

    assert [old.contact for old in told] == [before]
    assert Contact.objects.get(phone=PHONE) == met != before
    Contact.objects.filter(pk=before.pk).update(bsuid=BSUID)
    assert meet(in_bakery, OTHER, BSUID).phone_invalid_at is None


def test_the_way_back_to_the_version_before_is_open_although_somebody_has_nothing_but_a_lost_number(
    in_bakery: Tenant,
) -> None:
    before = meet(in_bakery, PHONE)
    Contact.objects.update(phone=None, phone_invalid_at=before.created_at)
    migration = import_module("contacts.migrations.0020_lost_numbers")

    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(migration.ADD_AGAIN)
        cursor.execute(migration.DROP)

    assert Contact.objects.get() == before


def test_two_contacts_who_turn_out_to_be_one_share_what_suppresses_them(in_bakery: Tenant) -> None:
    by_phone, by_bsuid = meet(in_bakery, PHONE), meet(in_bakery, bsuid=BSUID)

    told: list[tuple[Contact, Contact]] = []

    met = actions.find_or_create_for_whatsapp(
        tenant=in_bakery, phone=PHONE, bsuid=BSUID, merged=lambda *pair: told.append(pair), lost=kept
    )

    assert met == by_bsuid
    assert told == [(by_bsuid, by_phone)]
    assert by_phone.identities.count() == by_bsuid.identities.count() == 2


@pytest.mark.django_db(transaction=True)
def test_many_workers_meeting_one_stranger_create_one_contact(bakery: Tenant) -> None:
    def met(_worker: int) -> int:
        try:
            with tenant_scope(bakery):
                return meet(bakery, PHONE, BSUID).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(met, range(24)))) == 1


def test_a_moved_person_keeps_consent_and_history(in_bakery: Tenant) -> None:
    contact = meet(in_bakery, PHONE, BSUID)

    new = {"new_phone": OTHER, "new_bsuid": RENEWED}
    moved = actions.move_number(contact=contact, **new, merged=unexpected, lost=kept)
    again = actions.move_number(contact=contact, **new, merged=unexpected, lost=kept)

    assert moved == again == contact
    stored = Contact.objects.get()
    assert (stored.phone, stored.bsuid, stored.subject_id) == (OTHER, RENEWED, contact.subject_id)
    assert stored.identities.filter(valid_to=None).count() == 2
    assert stored.identities.count() == 4


def test_moving_to_a_number_without_a_new_bsuid_forgets_the_old_one(in_bakery: Tenant) -> None:
    contact = meet(in_bakery, PHONE, BSUID)

    moved = actions.move_number(contact=contact, new_phone=OTHER, new_bsuid=None, merged=unexpected, lost=kept)

    assert moved.bsuid is None


def test_moving_to_a_number_that_was_somebody_elses_takes_it_from_them(in_bakery: Tenant) -> None:
    contact, before, told = meet(in_bakery, PHONE, BSUID), meet(in_bakery, OTHER, "DE.9"), list[actions.Moved]()

    moved = actions.move_number(
        contact=contact, new_phone=OTHER, new_bsuid=RENEWED, merged=unexpected, lost=told.append
    )

    assert (moved, moved.phone) == (contact, OTHER)
    assert [old.contact for old in told] == [before]


def test_moving_onto_another_contact_marks_the_old_number_invalid(in_bakery: Tenant) -> None:
    contact, other = meet(in_bakery, PHONE), meet(in_bakery, OTHER)

    told: list[tuple[Contact, Contact]] = []
    lost: list[actions.Moved] = []

    moved = actions.move_number(
        contact=contact, new_phone=OTHER, new_bsuid=None, merged=lambda *pair: told.append(pair), lost=lost.append
    )

    assert moved == other
    assert told == [(other, contact)]
    assert lost == [actions.Moved(contact, PHONE, None)]
    contact.refresh_from_db()
    assert contact.phone_invalid_at is not None
    assert contact.identities.count() == other.identities.count() == 2
    # The next owner's no is not the word of who moved.
    assert not Identity.objects.filter(digest=identities.digest(in_bakery, "phone", PHONE), valid_to=None).exists()
