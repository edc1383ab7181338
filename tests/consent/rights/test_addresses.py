"""An erasure takes addresses that wait for a yes with it, and leaves those of others."""

import pytest
from django.core import mail
from django.test import Client

from consent.models import AddressRequest
from consent.signups import message
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import open_form, person, published
from tests.consent.rights.traces import erased, found
from tests.consent.test_addresses import BOTH, ask, link, yes
from tests.consent.test_signups import write
from tests.contacts.calls import Caller

pytestmark = pytest.mark.usefixtures("as_runtime")


def test_the_mail_of_an_erased_person_leads_nowhere(alice: Caller, client: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        form = open_form(bakery, published(bakery, covers=BOTH))
        in_whatsapp, by_address = person(bakery), person(bakery, email="ben@example.com")
        write(in_whatsapp, message(ask(client, form, email="anna@example.com")))
        ask(client, form, email="ben@example.com")
        ask(client, form, email="carla@example.com")

    for contact in (in_whatsapp, by_address):
        assert erased(alice, bakery, contact).state == "done"

    assert [client.get(link(letter)).status_code for letter in mail.outbox] == [410, 410, 200]
    with tenant_scope(bakery):
        assert AddressRequest.objects.count() == 1


def test_of_an_erased_person_who_confirmed_by_mail_nothing_is_left_to_read(
    alice: Caller, client: Client, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        ask(client, open_form(bakery, published(bakery, covers=BOTH)), email="zitronella@example.com")
        yes(client, mail.outbox[0])
        contact = bakery.contacts.get()
    assert found(("zitronella@",)) == ["table consent_consentevidence", "table contacts_contact"]

    erased(alice, bakery, contact)

    assert found(("zitronella@",)) == []
    with tenant_scope(bakery):
        assert not AddressRequest.objects.exists()
