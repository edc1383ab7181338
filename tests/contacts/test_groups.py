"""Tags and lists: kept by set, by name, and out of each other's way."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts import actions
from contacts.actions import ContactData
from contacts.models import Contact, ContactList, ContactTag, ListMember, Tag
from tenants.models import Tenant
from tenants.scope import tenant_scope


def people(tenant: Tenant, count: int) -> None:
    rows = [ContactData({"phone": f"+493023125{number:03}"}) for number in range(count)]
    actions.upsert(tenant=tenant, rows=rows, by=None)


def test_a_set_of_contacts_is_tagged_in_a_few_statements(in_bakery: Tenant) -> None:
    people(in_bakery, 50)
    with CaptureQueriesContext(connection) as few:
        tagged = actions.add_tags(tenant=in_bakery, contacts=in_bakery.contacts.all(), names=["VIP", "Köln"], by=None)
    again = actions.add_tags(tenant=in_bakery, contacts=in_bakery.contacts.all(), names=["vip"], by=None)

    assert (tagged, again) == (50, 0)
    assert Tag.objects.count() == 2
    assert ContactTag.objects.count() == 100
    assert len(few) <= 8


def test_a_tag_is_taken_off_some_contacts_only(in_bakery: Tenant) -> None:
    people(in_bakery, 3)
    actions.add_tags(tenant=in_bakery, contacts=in_bakery.contacts.all(), names=["VIP"], by=None)
    some = in_bakery.contacts.filter(phone__endswith="001")

    assert actions.remove_tags(tag=Tag.objects.get(), contacts=some, by=None) == 1
    assert ContactTag.objects.count() == 2


def test_tag_names_are_unique_whatever_their_case(in_bakery: Tenant) -> None:
    tag = actions.create_tag(tenant=in_bakery, name=" VIP ", by=None)
    other = actions.create_tag(tenant=in_bakery, name="Köln", by=None)

    with pytest.raises(ValidationError):
        actions.create_tag(tenant=in_bakery, name="vip", by=None)
    with pytest.raises(ValidationError):
        actions.rename_tag(tag=other, name="Vip", by=None)
    with pytest.raises(ValidationError):
        actions.create_tag(tenant=in_bakery, name="  ", by=None)
    assert actions.rename_tag(tag=tag, name="Vip", by=None).name == "Vip"
    actions.delete_tag(tag=tag, by=None)
    assert Tag.objects.get() == other


@pytest.mark.django_db(transaction=True)
def test_workers_creating_the_same_tags_and_contacts_do_not_disturb_each_other(bakery: Tenant) -> None:
    rows = [ContactData({"phone": f"+493023125{number:03}"}, tags=[f"tag {number % 5}"]) for number in range(60)]

    def work(worker: int) -> None:
        try:
            with tenant_scope(bakery):
                actions.upsert(tenant=bakery, rows=rows if worker % 2 else rows[::-1], by=None)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))

    with tenant_scope(bakery):
        assert (Contact.objects.count(), Tag.objects.count(), ContactTag.objects.count()) == (60, 5, 60)


def test_list_members_come_and_go_by_set(in_bakery: Tenant) -> None:
    people(in_bakery, 20)
    contact_list = actions.create_list(tenant=in_bakery, name="Brot", by=None)
    everyone, few = in_bakery.contacts.all(), in_bakery.contacts.filter(phone__lt="+493023125005")

    assert actions.add_members(contact_list=contact_list, contacts=few, by=None) == 5
    assert actions.add_members(contact_list=contact_list, contacts=everyone, by=None) == 15
    assert actions.remove_members(contact_list=contact_list, contacts=few, by=None) == 5
    assert ListMember.objects.count() == 15


def test_a_list_is_renamed_described_and_deleted_without_its_contacts(in_bakery: Tenant) -> None:
    people(in_bakery, 2)
    contact_list = actions.create_list(tenant=in_bakery, name="Brot", by=None)
    actions.add_members(contact_list=contact_list, contacts=in_bakery.contacts.all(), by=None)
    with pytest.raises(ValidationError):
        actions.create_list(tenant=in_bakery, name="brot", by=None)

    actions.update_list(contact_list=contact_list, name="Kuchen", description="Süßes", by=None)
    stored = ContactList.objects.get()
    assert (stored.name, stored.description) == ("Kuchen", "Süßes")

    actions.delete_list(contact_list=contact_list, by=None)
    assert (ContactList.objects.count(), Contact.objects.count()) == (0, 2)


def test_former_names_are_kept_once_however_often_a_program_renames(in_bakery: Tenant) -> None:
    tag = actions.create_tag(tenant=in_bakery, name="Alt", by=None)
    group = actions.create_list(tenant=in_bakery, name="Alt", by=None)

    for name in ("Neu", "Neu", "Alt", "Neu"):
        tag = actions.rename_tag(tag=tag, name=name, by=None)
        group = actions.update_list(contact_list=group, name=name, by=None)

    assert sorted(tag.former_names) == sorted(group.former_names) == ["Alt", "Neu"]
