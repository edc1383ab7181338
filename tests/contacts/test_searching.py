"""The search by name: whoever is called so, in any spelling, without reading everybody."""

from urllib.parse import quote

import pytest
from django.db import connection

from contacts import queries
from contacts.models import Contact
from tenants.models import Tenant
from tests.contacts.calls import Caller

PEOPLE = 3_000


@pytest.fixture
def people(in_bakery: Tenant) -> Tenant:
    """Many strangers and a few whom somebody looks for, with fresh statistics."""
    strangers = [
        Contact(tenant=in_bakery, phone=f"+49302312{n:04d}", first_name=f"Ida{n}", last_name=f"Berg{n}")
        for n in range(PEOPLE)
    ]
    sought = [
        Contact(tenant=in_bakery, phone="+4940669691", first_name="Anna Maria", last_name="Strauß"),
        Contact(tenant=in_bakery, phone="+4940669692", attributes={"whatsapp_name": "änne 🌻"}),
        Contact(tenant=in_bakery, phone="+4940669693", last_name="McDonald"),
    ]
    Contact.objects.bulk_create(strangers + sought)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_contact")
    return in_bakery


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("anna", "Anna Maria Strauß"),
        ("ANNA MARIA S", "Anna Maria Strauß"),
        ("an stra", "Anna Maria Strauß"),
        ("strauß", "Anna Maria Strauß"),
        ("Änne 🌻", "änne 🌻"),
        ("mcdon", "McDonald"),
    ],
)
def test_somebody_is_found_by_the_beginning_of_a_name_in_any_spelling(people: Tenant, text: str, whole: str) -> None:
    assert [contact.name for contact in queries.search(people.contacts.all(), text)] == [whole]


@pytest.mark.parametrize("text", ["nobody", "nobody at all", "maria", "aria strauß"])
def test_that_nobody_is_called_so_is_told_by_the_indexes(people: Tenant, text: str) -> None:
    found = queries.search(people.contacts.order_by("-pk"), text)[:50]

    assert list(found) == []
    plan = found.explain()
    assert {"contact_by_name", "contact_by_last_name"} <= {word for word in plan.split() if "contact_by" in word}
    assert "Seq Scan" not in plan


def test_a_name_in_whatsapp_that_no_index_could_hold_is_kept_and_found_by_its_beginning(alice: Caller) -> None:
    # Characters of four bytes that do not compress.
    long = "".join(chr(0x20000 + n * 7919 % 40_000) for n in range(1_000))

    made = alice.post("contacts/", {"phone": "+4940669699", "attributes": {"whatsapp_name": long}})

    assert made.status_code == 201
    for text in (long[:20], long):
        assert len(alice.get(f"contacts/?search={quote(text)}").json()["results"]) == 1


def test_who_gets_a_name_is_found_by_it_and_no_more_by_the_name_in_whatsapp(people: Tenant) -> None:
    people.contacts.filter(phone="+4940669692").update(first_name="Rosa")

    assert [contact.name for contact in queries.search(people.contacts.all(), "rosa")] == ["Rosa"]
    assert not queries.search(people.contacts.all(), "änne").exists()
