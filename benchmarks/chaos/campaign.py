"""A campaign to so many people who said yes, from the draft to the moment when nothing about it is left to happen."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from django.db import Error, connection

from campaigns import actions as campaigns
from campaigns.models import Campaign
from contacts.actions import lists
from inbox.models import WebhookEvent
from tenants.actions import NewTenant
from tenants.away import is_away
from tenants.scope import across_tenants, tenant_scope
from tests import factories
from whatsapp.emulator.remote import Remote
from whatsapp.models import Number

T = TypeVar("T")
PASSWORD = "correct horse battery"


def tenant_made() -> NewTenant:
    """A new tenant with an owner who has PASSWORD, and an API key."""
    mark = secrets.token_hex(4)
    return factories.company(slug=f"einmal-{mark}", name="Einmal", owner_email=f"{mark}@example.com", password=PASSWORD)


def prepared(recipients: int, throughput: int, made: NewTenant | None = None) -> Campaign:
    """A draft to that many people, ready for `launch`; of a new tenant unless one is given."""
    tenant = (made or tenant_made()).tenant
    # With a daily limit, because every claim asks Redis for it.
    number = factories.number(tenant, throughput=throughput, daily_limit=max(recipients, 1) * 2)
    template = factories.template(tenant)
    factories.contacts(tenant, recipients)
    with tenant_scope(tenant):
        everybody = lists.create_list(tenant=tenant, name="Alle", by=None)
        lists.add_members(contact_list=everybody, contacts=tenant.contacts.all(), by=None)
        campaign = campaigns.create(tenant=tenant, name="Frühling", by=None)
        campaigns.update(campaign=campaign, by=None, number=number)
        campaigns.set_audience(campaign=campaign, by=None, include_lists=[everybody])
        campaigns.set_content(campaign=campaign, by=None, template=template, variables=factories.VARIABLES)
    return campaign


def number_of(campaign: Campaign) -> Number:
    """The tenant's number, with its account."""
    with tenant_scope(campaign.tenant_id):
        return campaign.tenant.numbers.select_related("account").get()


def connect(campaign: Campaign, meta: Remote) -> None:
    """Tell the emulator the account of the campaign's number, which its webhooks name, and that we subscribed."""
    number = number_of(campaign)
    meta.add_account(number.account.waba_id, is_subscribed=True)
    meta.add_number(number.phone_number_id, number.account.waba_id)


def launch(campaign: Campaign) -> None:
    """Start it, as the button does."""
    with tenant_scope(campaign.tenant_id):
        campaigns.launch(campaign=campaign, by=None)


def is_over(campaign: Campaign, meta: Remote) -> bool:
    """Whether the campaign is finished and every webhook about it was sent, received and applied."""
    return is_finished(campaign) and meta.settle(timeout_s=1) and is_all_received()


def is_finished(campaign: Campaign) -> bool:
    """Whether nothing of it waits to be sent or clarified."""

    def ask() -> bool:
        with tenant_scope(campaign.tenant_id):
            campaign.refresh_from_db()
        return campaign.state == Campaign.State.FINISHED

    return asked(ask, otherwise=False)


def is_all_received() -> bool:
    """Whether no stored webhook waits to be applied."""

    def ask() -> bool:
        with across_tenants("raw webhooks belong to nobody yet"):
            return not WebhookEvent.objects.filter(state=WebhookEvent.State.WAITING).exists()

    return asked(ask, otherwise=False)


def asked(question: Callable[[], T], *, otherwise: T) -> T:
    """The answer of a database that may be away at the moment."""
    try:
        return question()
    except Error as error:
        if not is_away(error):
            raise
        connection.close()
        return otherwise


def acceptances(meta: Remote) -> Iterator[dict[str, Any]]:
    """Everything that the emulator's ledger holds."""
    start = 0
    while page := meta.acceptances(offset=start, limit=5000):
        yield from page
        start += len(page)
