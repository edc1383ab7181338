"""The bakery has a number and an approved template, and an integrator who calls the API for it."""

from collections.abc import Callable
from typing import Any

import pytest

from campaigns.models import Campaign
from contacts.models import Contact, ListMember
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import draft, schedule
from tests.campaigns.test_first_messages import HEADERS, LINE, NOTICE
from tests.consent.factories import known
from tests.consent.imports import done
from tests.contacts.calls import Caller
from whatsapp.models import Number, Template


@pytest.fixture
def number(bakery: Tenant) -> Number:
    return factories.number(bakery)


@pytest.fixture
def template(number: Number) -> Template:
    return factories.template(number.tenant)


@pytest.fixture
def api(bakery_made: NewTenant) -> Caller:
    """Calls with the bakery's key."""
    return Caller(bakery_made.api_key)


@pytest.fixture
def ready(bakery: Tenant) -> Campaign:
    return draft(bakery, factories.contacts(bakery, 2))


@pytest.fixture
def scheduled(api: Caller, ready: Campaign) -> Campaign:
    """Nothing was to be seen when it was scheduled; it starts within two days."""
    return schedule(api, ready)


@pytest.fixture
def import_into(bakery: Tenant, settings: Any, tmp_path: Any) -> Callable[[Campaign], None]:
    """Somebody of an import, who has never been written to, comes into the campaign's list."""
    settings.MEDIA_ROOT = str(tmp_path)

    def run(campaign: Campaign) -> None:
        done(bakery, HEADERS + LINE.format(0))
        with tenant_scope(bakery):
            known(bakery, privacy_url=NOTICE)
            person = Contact.objects.order_by("pk").last()
            ListMember.objects.create(tenant=bakery, list=campaign.audiences.get().list, contact=person)

    return run
