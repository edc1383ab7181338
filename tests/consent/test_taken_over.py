"""What a migration finds that was proven before anybody wrote it down."""

from importlib import import_module

import pytest
from django.apps import apps
from django.core import mail
from django.db import connection
from django.test import Client

from consent.actions import people
from consent.models import SignupForm
from consent.signups import message
from contacts.actions import ContactData
from contacts.models import Contact, Identity
from tenants.models import Tenant
from tests.consent.factories import agree, open_form, person, published
from tests.consent.test_addresses import BOTH, ask, yes
from tests.consent.test_signups import write

ADDRESS = "anna@example.com"


@pytest.fixture
def form(in_bakery: Tenant) -> SignupForm:
    return open_form(in_bakery, published(in_bakery, covers=BOTH))


def taken_over() -> dict[int, str]:
    """Who is known to have proven an address, once the migration has run."""
    Identity.objects.update(proven_at=None)
    migration = import_module("consent.migrations.0039_what_was_proven")
    with connection.schema_editor(atomic=False) as editor:
        migration.take_over(apps, editor)
    proven = Identity.objects.exclude(proven_at=None).select_related("contact")
    return {row.contact_id: row.kind for row in proven}


def test_who_is_known_by_nothing_but_the_address_of_the_mail_has_proven_it(client: Client, form: SignupForm) -> None:
    ask(client, form, email=ADDRESS)
    yes(client, mail.outbox[0])

    assert taken_over() == {Contact.objects.get().pk: "email"}


def test_an_address_beside_a_number_is_proven_where_the_same_sign_up_was_confirmed_in_whatsapp(
    client: Client, form: SignupForm
) -> None:
    anna = person(form.tenant)
    write(anna, message(ask(client, form, email=ADDRESS)))
    yes(client, mail.outbox[0])

    assert taken_over() == {anna.pk: "email"}


def test_an_address_beside_a_number_is_not_proven_by_its_mail_alone(client: Client, form: SignupForm) -> None:
    ask(client, form, email=ADDRESS)
    yes(client, mail.outbox[0])
    anna = Contact.objects.get()
    people.patch(contact=anna, data=ContactData({"phone": "+4930231257999"}), by=None)
    agree(form.tenant, anna)

    assert taken_over() == {}


def test_an_address_that_was_typed_after_the_yes_is_not_proven_by_it(client: Client, form: SignupForm) -> None:
    ask(client, form, email=ADDRESS)
    yes(client, mail.outbox[0])
    people.patch(contact=Contact.objects.get(), data=ContactData({"email": "ben@example.com"}), by=None)

    assert taken_over() == {}
