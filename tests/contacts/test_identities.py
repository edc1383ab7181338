"""Identities: found again by keyed hash, never by value."""

from contacts import identities
from contacts.models import Contact, Identity
from tenants.models import Tenant


def stored(contact: Contact) -> dict[str, bool]:
    """{kind and digest: is it current} of a contact."""
    rows = Identity.objects.filter(contact=contact)
    return {f"{row.kind}:{bytes(row.digest).hex()}": row.valid_to is None for row in rows}


def test_every_spelling_of_an_identity_has_one_digest(bakery: Tenant) -> None:
    phone = identities.digest(bakery, "phone", "+4915123456789")

    assert identities.digest(bakery, "phone", "0151 23456789") == phone
    assert identities.digest(bakery, "email", " Ada@Example.com ") == identities.digest(
        bakery, "email", "ada@example.com"
    )
    assert len(phone) == 32


def test_kinds_and_tenants_never_share_a_digest(bakery: Tenant, shop: Tenant) -> None:
    digests = {identities.digest(tenant, kind, "x") for tenant in (bakery, shop) for kind in ("bsuid", "email")}

    assert len(digests) == 4


def test_recording_twice_stores_each_identity_once(in_bakery: Tenant) -> None:
    contact = Contact.objects.create(
        tenant=in_bakery, phone="+493023125001", email="ada@example.com", bsuid="DE.1", external_id="7"
    )

    identities.record(in_bakery, [contact])
    identities.record(in_bakery, [contact])

    kinds = Identity.objects.filter(contact=contact).values_list("kind", flat=True)
    assert sorted(kinds) == ["bsuid", "email", "phone"]


def test_an_old_phone_stays_known_with_an_end_and_can_come_back(in_bakery: Tenant) -> None:
    contact = Contact.objects.create(tenant=in_bakery, phone="+493023125001")
    identities.record(in_bakery, [contact])
    contact.phone = "+493023125002"
    identities.record(in_bakery, [contact])

    old, new = (f"phone:{identities.digest(in_bakery, 'phone', f'+49302312500{n}').hex()}" for n in (1, 2))
    assert stored(contact) == {old: False, new: True}

    contact.phone = "+493023125001"
    identities.record(in_bakery, [contact])
    assert stored(contact) == {old: True, new: False}


def test_what_was_proven_before_it_ended_is_not_proven_when_somebody_types_it_again(in_bakery: Tenant) -> None:
    contact = Contact.objects.create(tenant=in_bakery, email="ada@example.com")
    identities.record(in_bakery, [contact])
    identities.prove(contact, "email", "ada@example.com", contact.created_at)
    assert identities.last_to_prove(in_bakery, "email", "ada@example.com") == contact

    for address in ("bob@example.com", "ada@example.com"):
        contact.email = address
        identities.record(in_bakery, [contact])

    assert identities.last_to_prove(in_bakery, "email", "ada@example.com") is None


def test_who_proves_an_address_proves_none_that_they_only_share(in_bakery: Tenant) -> None:
    people = [Contact.objects.create(tenant=in_bakery, email=f"{name}@example.com") for name in ("ada", "bob")]
    identities.record(in_bakery, people)
    identities.share(in_bakery, people)

    identities.prove(people[0], "email", "ada@example.com", people[0].created_at)

    assert identities.last_to_prove(in_bakery, "email", "bob@example.com") is None


def test_recording_some_contacts_leaves_the_others_alone(in_bakery: Tenant) -> None:
    first, second = (Contact.objects.create(tenant=in_bakery, phone=f"+49302312500{n}") for n in (1, 2))
    identities.record(in_bakery, [first, second])
    second.phone = "+493023125003"
    identities.record(in_bakery, [second])

    assert list(stored(first).values()) == [True]
    assert sorted(stored(second).values()) == [False, True]


def test_sharing_gives_each_contact_the_identities_of_all(in_bakery: Tenant) -> None:
    first = Contact.objects.create(tenant=in_bakery, phone="+493023125001")
    second = Contact.objects.create(tenant=in_bakery, bsuid="DE.1")
    identities.record(in_bakery, [first, second])
    identities.share(in_bakery, [first, second])

    assert stored(first).keys() == stored(second).keys()
    assert len(stored(first)) == 2


def test_what_one_has_had_before_is_shared_with_its_end_unless_another_has_it_still(in_bakery: Tenant) -> None:
    first, second, third = (Contact.objects.create(tenant=in_bakery, email=f"{n}@example.com") for n in "abc")
    identities.record(in_bakery, [first, second, third])
    for email in ("both@example.com", "once@example.com"):
        first.email = email
        identities.record(in_bakery, [first])
    first.email, second.email = "new@example.com", "both@example.com"
    identities.record(in_bakery, [first, second])

    identities.share(in_bakery, [first, second, third])

    both, once = (f"email:{identities.digest(in_bakery, 'email', f'{n}@example.com').hex()}" for n in ("both", "once"))
    assert (stored(third)[both], stored(third)[once]) == (True, False)


def test_recording_nobody_is_no_error(in_bakery: Tenant) -> None:
    identities.record(in_bakery, [])

    assert Identity.objects.count() == 0
