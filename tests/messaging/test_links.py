"""Tracked links: a person's click counts once per contact, previews and bots never do."""

import pytest
from django.test import Client

from consent.actions import declarations
from contacts.models import Contact
from messaging import links
from messaging.models import Click, Link, Message
from tenants import actions as tenancy
from tenants.models import Tenant
from tests import factories

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"


@pytest.fixture
def message(in_bakery: Tenant) -> Message:
    source = factories.source(factories.number(in_bakery), factories.contacts(in_bakery, 1))
    Message.objects.filter(source=source).update(state=5, queue=2, attempt=1, accepted_at="2026-11-21T12:00:00Z")
    return Message.objects.get(source=source)


def path(message: Message, *, tracked: bool = True) -> str:
    link = Link.objects.get(source_id=message.source_id)
    token = links.token(tenant_id=message.tenant_id, link_id=link.pk, message_id=message.pk if tracked else None)
    return f"/r/{token}"


def test_a_click_redirects_and_counts(client: Client, message: Message) -> None:
    answer = client.get(path(message), headers={"user-agent": PHONE})

    assert (answer.status_code, answer["Location"]) == (302, "https://shop.example/aktion")
    assert answer["Referrer-Policy"] == "no-referrer"
    click = Click.objects.get()
    assert (click.is_counted, click.contact_id, click.message_id) == (True, message.contact_id, message.pk)
    message.refresh_from_db()
    assert message.clicked_at is not None


@pytest.mark.parametrize("agent", ["WhatsApp/2.23.20.0 A", "facebookexternalhit/1.1", "Googlebot/2.1", "curl/8", ""])
def test_previews_and_bots_are_redirected_but_not_counted(client: Client, message: Message, agent: str) -> None:
    answer = client.get(path(message), headers={"user-agent": agent})

    assert answer.status_code == 302
    assert Click.objects.filter(is_counted=True).count() == 0
    message.refresh_from_db()
    assert message.clicked_at is None


def test_head_and_prefetch_do_not_count(client: Client, message: Message) -> None:
    client.head(path(message), headers={"user-agent": PHONE})
    client.get(path(message), headers={"user-agent": PHONE, "sec-purpose": "prefetch"})

    assert Click.objects.filter(is_counted=True).count() == 0


def test_a_link_of_a_closed_company_leads_nowhere_and_counts_nothing(client: Client, message: Message) -> None:
    tenancy.close(tenant=message.tenant)

    assert client.get(path(message), headers={"user-agent": PHONE}).status_code == 404
    assert not Click.objects.exists()


def test_without_tracking_consent_no_row_joins_person_and_click(client: Client, message: Message) -> None:
    client.get(path(message, tracked=False), headers={"user-agent": PHONE})

    click = Click.objects.get()
    assert (click.is_counted, click.message_id, click.contact_id) == (True, None, None)
    message.refresh_from_db()
    assert message.clicked_at is None


def test_a_click_after_the_yes_to_measuring_was_withdrawn_names_nobody(client: Client, message: Message) -> None:
    contact = Contact.objects.get(pk=message.contact_id)
    declarations.withdraw(tenant=message.tenant, contact=contact, dedupe="stopp", source="wa_keyword")

    assert client.get(path(message), headers={"user-agent": PHONE}).status_code == 302

    click = Click.objects.get()
    assert (click.is_counted, click.message_id, click.contact_id) == (True, None, None)
    message.refresh_from_db()
    assert message.clicked_at is None


@pytest.mark.parametrize("token", ["x", "A" * 54, "ä", "../etc", "%00"])
def test_an_invented_token_is_not_found(client: Client, db: None, token: str) -> None:
    assert client.get(f"/r/{token}").status_code == 404


def test_a_link_without_a_label_is_called_after_its_button(in_bakery: Tenant) -> None:
    source = factories.source(factories.number(in_bakery), [])

    assert [link.label for link in Link.objects.filter(source=source)] == ["Ansehen"]
