"""Proof and receipt of a yes to e-mail: which mail it was, and that its link was confirmed."""

import pytest
from django.core import mail
from django.test import Client

from consent.models import ConsentEvent
from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import open_form, published
from tests.consent.test_addresses import BOTH, ask, yes
from tests.consent.views.pages import shown


@pytest.fixture
def anna(alice: Client, bakery: Tenant) -> Contact:
    """Anna, who signed up on the page and confirmed her address."""
    with tenant_scope(bakery):
        ask(alice, open_form(bakery, published(bakery, covers=BOTH)), email="anna@example.com")
        yes(alice, mail.outbox[0])
        return Contact.objects.get()


def test_the_proof_names_the_mail_and_the_request_that_it_confirms(alice: Client, anna: Contact) -> None:
    message_id = mail.outbox[0].extra_headers["Message-ID"].strip("<>")
    address = f"/bakery/contacts/{anna.uid}/proof/"

    closed = shown(alice, address)
    opened = " ".join(alice.post(address).content.decode().split())

    assert "The id of the mail and its address lie encrypted in the evidence." in closed
    assert message_id not in closed
    assert f'Confirmed by the link in the mail</dt> <dd class="hash">&lt;{message_id}' in opened
    assert "request in row 1 of" in opened
    assert "Confirmed on WhatsApp" not in opened
    assert "anna@example.com" in opened


def test_the_receipt_names_the_mail_and_no_address(alice: Client, anna: Contact, bakery: Tenant) -> None:
    letter = mail.outbox[0]
    with tenant_scope(bakery):
        event = ConsentEvent.objects.get(state="granted")
    path = f"/bakery/contacts/{anna.uid}/consents/{event.event_id}/receipt"

    receipt = alice.get(f"{path}.json").json()
    page = shown(alice, f"{path}.html")

    confirmed = receipt["confirmation"]
    assert confirmed.pop("mail_sent_at")
    message_id = letter.extra_headers["Message-ID"]
    assert confirmed == {"channel": "email", "request_seq": 1, "mail_id": message_id}
    assert "anna@example.com" not in str(receipt)
    assert message_id.strip("<>") in page
    assert alice.get(f"{path}.pdf").status_code == 200
