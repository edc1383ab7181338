"""A link in a text from end to end: launched, clicked on a phone, led to its address, counted in the report."""

import re
from datetime import timedelta

import pytest
from django.utils.timezone import now
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from campaigns import freezing
from campaigns.models import Campaign
from consent import ledger
from contacts.models import Contact
from messaging import actions as outbox
from messaging.engine import Engine
from messaging.models import Click, Message
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import draft, launch
from tests.contacts.calls import Caller
from whatsapp.emulator import Running
from whatsapp.models import Number

pytestmark = pytest.mark.django_db(transaction=True)

SHOP = "https://shop.example/aktion?x=1"
COMPONENTS = [
    {"type": "BODY", "text": "Hallo {{1}}, sehen Sie selbst: {{2}}\nAbmelden mit STOPP. Bäckerei Sonne"},
    {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Danke"}]},
]


@pytest.fixture
def phones(meta: Running, live_server: LiveServer, settings: Settings) -> Running:
    """People who follow the first link they see, and a server of ours where it leads."""
    settings.PUBLIC_URL = live_server.url
    meta.configure(clicked=1.0)
    return meta


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    return factories.contacts(bakery, 1)[0]


@pytest.fixture
def ben(bakery: Tenant) -> Contact:
    """Agreed to messages, but not to being tracked."""
    made = factories.contacts(bakery, 1, consent=False, start=1)[0]
    with tenant_scope(bakery):
        ledger.append(bakery, [entry for entry in factories.yes(made) if entry.purpose == "marketing"])
    return made


@pytest.fixture
def campaign(bakery: Tenant, anna: Contact, ben: Contact) -> Campaign:
    factories.number(bakery)
    template = factories.template(bakery, components=COMPONENTS)
    second = {"name": "2", "from": "text", "text": f"{SHOP}."}
    variables = {"body": [{"name": "1", "from": "first_name", "fallback": "du"}, second]}
    return draft(bakery, [anna, ben], template=template, variables=variables)


def test_a_link_in_a_text_is_followed_counted_and_reported(
    campaign: Campaign, anna: Contact, phones: Running, engine: Engine, alice: Caller
) -> None:
    launch(campaign)
    freezing.freeze(campaign.tenant_id, campaign.pk)
    engine.run(5)
    assert phones.settle()

    clicked = phones.clickers()
    assert [(click["status"], click["location"]) for click in clicked] == [(302, SHOP)] * 2
    assert len({click["link"] for click in clicked}) == 2
    with tenant_scope(campaign.tenant):
        counted = Click.objects.filter(is_counted=True).values_list("contact_id", flat=True)
        assert set(counted) == {anna.pk, None}
        assert Click.objects.filter(is_counted=False).count() == 2, "previews"
        assert [m.contact_id for m in Message.objects.filter(clicked_at__isnull=False)] == [anna.pk]
    (link,) = alice.get(f"campaigns/{campaign.uid}/report/").json()["links"]
    assert (link["label"], link["url"]) == ("shop.example/aktion", SHOP)
    assert (link["clicks"], link["people"], link["anonymous"]) == (2, 1, 1)


def test_without_tracking_consent_the_link_is_the_same_for_everybody(
    campaign: Campaign, phones: Running, engine: Engine
) -> None:
    with tenant_scope(campaign.tenant):
        others = factories.contacts(campaign.tenant, 2, consent=False, start=2)
        entries = [entry for each in others for entry in factories.yes(each) if entry.purpose == "marketing"]
        ledger.append(campaign.tenant, entries)
        again = draft(campaign.tenant, others, variables=campaign.variants.get().variables)
    launch(again)
    freezing.freeze(again.tenant_id, again.pk)
    engine.run(5)
    assert phones.settle()

    (link,) = {click["link"] for click in phones.clickers()}
    assert re.fullmatch(r"http://[^/]+/r/[\w-]{54}", link)


def test_a_link_in_an_answer_is_followed_and_counted(
    bakery: Tenant, anna: Contact, phones: Running, engine: Engine
) -> None:
    number: Number = factories.number(bakery)
    with tenant_scope(bakery):
        outbox.queue_reply(
            tenant=bakery,
            number=number,
            contact=anna,
            text=f"Gern: {SHOP}!",
            dedupe="1",
            expires_at=now() + timedelta(hours=1),
        )
    engine.run(5)
    assert phones.settle()

    (click,) = phones.clickers()
    assert (click["status"], click["location"]) == (302, SHOP)
    with tenant_scope(bakery):
        assert Click.objects.get(is_counted=True).contact_id == anna.pk
