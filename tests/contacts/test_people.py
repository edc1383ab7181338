"""Creating, changing and deleting contacts, one by one and by the thousand."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent.actions import people
from contacts import actions
from contacts.actions import ContactData, Moved, Upserted
from contacts.models import Contact, Identity, Tag
from tenants.models import AuditEvent, Tenant

PHONE, OTHER = "+493023125001", "+493023125002"


def data(tags: list[str] | None = None, attributes: dict[str, Any] | None = None, **values: Any) -> ContactData:
    return ContactData(values, attributes or {}, tags or [])


def put(tenant: Tenant, *rows: ContactData) -> list[Upserted]:
    return actions.upsert(tenant=tenant, rows=rows, by=None)


def outcomes(answers: list[Upserted]) -> list[str]:
    return [answer.outcome for answer in answers]


def test_a_new_contact_is_stored_clean_with_its_identities(in_bakery: Tenant) -> None:
    [answer] = put(
        in_bakery,
        data(
            phone="030 / 23125-001",
            email=" Ada@Example.COM ",
            first_name=" Ada ",
            country="de",
            language="DE",
            postcode="10115",
            birthday="1988-03-21",
            attributes={"size": 42},
            tags=["VIP"],
        ),
    )

    contact = Contact.objects.get()
    assert answer.outcome == "created"
    assert answer.contact == contact
    assert (contact.phone, contact.email, contact.first_name) == (PHONE, "ada@example.com", "Ada")
    assert (contact.country, contact.language, contact.postcode) == ("DE", "de", "10115")
    assert (contact.birthday, contact.attributes) == (date(1988, 3, 21), {"size": 42})
    assert [row.tag.name for row in contact.contact_tags.all()] == ["VIP"]
    assert sorted(Identity.objects.values_list("kind", flat=True)) == ["email", "phone"]


@pytest.mark.parametrize("key", ["phone", "external_id", "bsuid"])
def test_a_contact_is_found_again_by_each_of_its_keys(key: str, in_bakery: Tenant) -> None:
    keys = {"phone": PHONE, "external_id": "4711", "bsuid": "DE.13491208655302741918"}
    put(in_bakery, data(**keys, first_name="Ada", last_name="Lovelace"))

    [answer] = put(in_bakery, data(**{key: keys[key]}, first_name="Augusta"))

    contact = Contact.objects.get()
    assert answer.outcome == "updated"
    assert (contact.first_name, contact.last_name) == ("Augusta", "Lovelace")
    assert (contact.phone, contact.external_id, contact.bsuid) == tuple(keys.values())


def test_a_row_that_changes_nothing_leaves_the_contact_untouched(in_bakery: Tenant) -> None:
    row = data(phone=PHONE, first_name="Ada", attributes={"size": 42}, tags=["VIP"])
    put(in_bakery, row)
    Contact.objects.update(updated_at=timezone.now() - timedelta(days=3))
    before = Contact.objects.get().updated_at

    assert outcomes(put(in_bakery, row)) == ["unchanged"]
    assert Contact.objects.get().updated_at == before


def test_attributes_are_merged_and_null_deletes_one(in_bakery: Tenant) -> None:
    put(in_bakery, data(phone=PHONE, attributes={"size": 42, "colour": "red", "is_member": 1}))
    put(in_bakery, data(phone=PHONE, attributes={"size": None, "city": "Köln", "is_member": True}))

    attributes = Contact.objects.get().attributes
    assert attributes == {"colour": "red", "city": "Köln", "is_member": True}
    assert attributes["is_member"] is True


def test_null_empties_a_field_and_a_missing_one_stays(in_bakery: Tenant) -> None:
    put(in_bakery, data(phone=PHONE, first_name="Ada", last_name="Lovelace", email="ada@example.com"))
    put(in_bakery, data(phone=PHONE, first_name=None, email=None))

    contact = Contact.objects.get()
    assert (contact.first_name, contact.last_name, contact.email) == ("", "Lovelace", None)


def test_keys_that_name_two_people_are_refused_and_the_rest_is_stored(in_bakery: Tenant) -> None:
    put(in_bakery, data(phone=PHONE), data(external_id="4711"))

    answers = put(in_bakery, data(phone=PHONE, external_id="4711", first_name="Ada"), data(phone=OTHER))

    assert outcomes(answers) == ["rejected", "created"]
    assert answers[0].errors.keys() == {"phone", "external_id"}
    assert not Contact.objects.filter(first_name="Ada").exists()


def test_a_shared_phone_does_not_mix_two_customers(in_bakery: Tenant) -> None:
    put(in_bakery, data(phone=PHONE, external_id="1", first_name="Ada"))

    [answer] = put(in_bakery, data(phone=PHONE, external_id="2", first_name="Grace"))

    assert answer.outcome == "rejected"
    assert "external_id" in answer.errors["phone"][0]
    assert Contact.objects.get().first_name == "Ada"


def test_several_rows_about_one_person_take_effect_in_order(in_bakery: Tenant) -> None:
    answers = put(
        in_bakery,
        data(phone=PHONE, first_name="Ada"),
        data(phone="030 23125001", external_id="4711", last_name="Lovelace"),
        data(external_id="4711", first_name="Augusta"),
    )

    contact = Contact.objects.get()
    assert outcomes(answers) == ["created", "updated", "updated"]
    assert (contact.first_name, contact.last_name, contact.external_id) == ("Augusta", "Lovelace", "4711")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"phone": "0151"}, "phone"),
        ({"phone": "4,91512E+12"}, "phone"),
        ({"phone": PHONE, "email": "ada@"}, "email"),
        ({"phone": PHONE, "birthday": "21.03.1988"}, "birthday"),
        ({"phone": PHONE, "birthday": "2999-01-01"}, "birthday"),
        ({"phone": PHONE, "country": "Germany"}, "country"),
        ({"phone": PHONE, "country": "DE", "postcode": "1067"}, "postcode"),
        ({"phone": PHONE, "language": "deutsch"}, "language"),
        ({"bsuid": "1349"}, "bsuid"),
        ({"phone": PHONE, "first_name": "x" * 101}, "first_name"),
        ({"phone": PHONE, "first_name": "a\x00b"}, "first_name"),
        ({"phone": PHONE, "nickname": "Ada"}, "nickname"),
        ({"first_name": "Ada"}, "phone"),
        ({"email": "ada@example.com"}, "phone"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_field(values: dict[str, str], field: str, in_bakery: Tenant) -> None:
    [answer] = put(in_bakery, data(**values))

    assert answer.outcome == "rejected"
    assert list(answer.errors) == [field]
    assert Contact.objects.count() == 0


@pytest.mark.parametrize(
    "attributes", [{"": 1}, {"x" * 61: 1}, {"a": [1]}, {"a": {"b": 1}}, {"a": "x" * 1001}, {"a": "\x00"}]
)
def test_attributes_are_plain_values_of_sensible_size(attributes: dict[str, Any], in_bakery: Tenant) -> None:
    [answer] = put(in_bakery, data(phone=PHONE, attributes=attributes))

    assert list(answer.errors) == ["attributes"]


def test_a_phone_without_country_code_belongs_to_the_rows_country(in_bakery: Tenant) -> None:
    put(in_bakery, data(phone="0664 1234567", country="AT"), data(phone="0151 23456789"))

    assert set(Contact.objects.values_list("phone", flat=True)) == {"+436641234567", "+4915123456789"}


def test_a_number_is_changed_only_where_somebody_records_what_that_means(in_bakery: Tenant) -> None:
    put(in_bakery, data(phone=PHONE, external_id="4711"))
    before = Contact.objects.get()
    moved: list[Moved] = []

    [refused] = put(in_bakery, data(phone=OTHER, external_id="4711"))
    actions.upsert(tenant=in_bakery, rows=[data(phone=OTHER, external_id="4711")], by=None, moved=moved.extend)

    assert (refused.outcome, list(refused.errors)) == ("rejected", ["phone"])
    after = Contact.objects.get()
    assert (after.phone, after.subject_id) == (OTHER, before.subject_id)
    assert [(one.contact, one.phone) for one in moved] == [(after, PHONE)]
    assert Identity.objects.filter(kind="phone").count() == 2


@pytest.mark.parametrize(
    ("known", "changes", "is_moved"),
    [
        ({"phone": PHONE}, {"first_name": "Ada"}, False),
        ({"phone": PHONE}, {"phone": None}, True),
        ({"phone": PHONE}, {"bsuid": "DE.1"}, False),
        ({"phone": PHONE, "bsuid": "DE.1"}, {"bsuid": "DE.2"}, False),
        ({"bsuid": "DE.1"}, {"bsuid": "DE.2"}, True),
        ({"bsuid": "DE.1"}, {"phone": PHONE}, True),
        ({}, {"phone": PHONE}, False),
    ],
)
def test_moved_is_who_is_reached_elsewhere_than_before(
    known: dict[str, str], changes: dict[str, str], is_moved: bool, in_bakery: Tenant
) -> None:
    put(in_bakery, data(external_id="4711", **known))
    moved: list[Moved] = []

    actions.upsert(tenant=in_bakery, rows=[data(external_id="4711", **changes)], by=None, moved=moved.extend)

    assert bool(moved) == is_moved


def test_several_rows_move_a_contact_once_and_back_again_not_at_all(in_bakery: Tenant) -> None:
    put(in_bakery, data(phone=PHONE, external_id="1"), data(phone=OTHER, external_id="2"))
    moved: list[Moved] = []

    steps = [("1", "+493023125003"), ("1", "+493023125004"), ("2", "+493023125005"), ("2", OTHER)]
    rows = [data(external_id=key, phone=number) for key, number in steps]
    actions.upsert(tenant=in_bakery, rows=rows, by=None, moved=moved.extend)

    assert [(one.contact.external_id, one.phone, one.contact.phone) for one in moved] == [("1", PHONE, "+493023125004")]


def test_ten_thousand_rows_cost_a_bounded_number_of_statements(in_bakery: Tenant) -> None:
    rows = [data(phone=f"+4915123{number:06}", external_id=str(number), tags=["Import"]) for number in range(2000)]
    with CaptureQueriesContext(connection) as first:
        assert set(outcomes(put(in_bakery, *rows))) == {"created"}
    with CaptureQueriesContext(connection) as second:
        assert set(outcomes(put(in_bakery, *rows))) == {"unchanged"}
    changed = [data(phone=row.values["phone"], first_name="Ada") for row in rows]
    with CaptureQueriesContext(connection) as third:
        assert set(outcomes(put(in_bakery, *changed))) == {"updated"}

    assert max(len(first), len(second), len(third)) <= 16
    with pytest.raises(ValidationError):
        put(in_bakery, *[data(phone=PHONE)] * 10_001)


def test_a_single_change_is_audited_without_its_values(in_bakery: Tenant) -> None:
    put(in_bakery, data(phone=PHONE, first_name="Ada"))
    put(in_bakery, data(phone=PHONE, first_name="Ada"))

    event = AuditEvent.objects.get(verb__startswith="contact.")
    assert event.verb == "contact.created"
    assert event.changes == {"fields": ["first_name", "phone"]}
    assert PHONE not in event.object_name


def test_patching_changes_only_what_is_given(in_bakery: Tenant) -> None:
    put(in_bakery, data(phone=PHONE, first_name="Ada", attributes={"size": 42}))

    contact = actions.patch(
        contact=Contact.objects.get(),
        data=data(email="Ada@example.com", attributes={"city": "Bonn"}, tags=["vip"]),
        by=None,
    )

    contact.refresh_from_db()
    assert (contact.first_name, contact.email) == ("Ada", "ada@example.com")
    assert contact.attributes == {"size": 42, "city": "Bonn"}
    assert Tag.objects.get().name == "vip"
    assert AuditEvent.objects.filter(verb="contact.updated").count() == 1


def test_patching_cannot_take_another_contacts_number_or_the_last_identity(in_bakery: Tenant) -> None:
    put(in_bakery, data(phone=PHONE), data(phone=OTHER))
    contact = Contact.objects.get(phone=PHONE)

    with pytest.raises(ValidationError) as taken:
        actions.patch(contact=contact, data=data(phone=OTHER), by=None)
    with pytest.raises(ValidationError) as anonymous:
        actions.patch(contact=contact, data=data(phone=None), by=None)

    assert list(taken.value.message_dict) == ["phone"]
    assert list(anonymous.value.message_dict) == ["phone"]
    assert Contact.objects.get(pk=contact.pk).phone == PHONE


def test_deleting_takes_identities_tags_and_events_along(in_bakery: Tenant) -> None:
    put(in_bakery, data(phone=PHONE, tags=["VIP"]), data(phone=OTHER, tags=["VIP"]))

    people.delete(contact=Contact.objects.get(phone=PHONE), by=None)

    assert Contact.objects.get().phone == OTHER
    assert Identity.objects.count() == 1
    assert Tag.objects.get().contact_tags.count() == 1
    assert AuditEvent.objects.filter(verb="contact.deleted").count() == 1
