"""The bakery's number at Meta, the shop's own Meta app, and what posts to them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoDbBlocker

from contacts.models import Contact
from inbox import receiving, recording
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, known, person, published
from tests.inbox import meta
from whatsapp.models import Account, Number
from whatsapp.signature import sign

APPEND_ONLY = ("consent_consentevent", "tenants_auditevent")


@pytest.fixture(autouse=True)
def shared_app(settings: Any) -> None:
    """The Meta app that tenants without one of their own share."""
    settings.WHATSAPP_APP_SECRET = meta.SECRET
    settings.WHATSAPP_VERIFY_TOKEN = "the shared app's verify token"


@pytest.fixture(autouse=True)
def own_apps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test meets a door that has just been started and remembers no other test's accounts."""
    monkeypatch.setattr(recording, "_own_apps", recording._OwnApps())


@pytest.fixture(scope="module")
def truncatable(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Lets tests that really commit clean up behind them: append-only tables refuse TRUNCATE otherwise."""

    def switch(how: str) -> None:
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            for table in APPEND_ONLY:
                cursor.execute(f"ALTER TABLE {table} {how} TRIGGER never_truncated")
            connection.close()

    switch("DISABLE")
    yield
    switch("ENABLE")


def connect(tenant: Tenant, name: str, **own_app: str) -> Number:
    """An account with one number; `app_secret` and `verify_token` make it a tenant with its own Meta app."""
    with tenant_scope(tenant):
        account = Account(tenant=tenant, waba_id=f"waba-{name}", portfolio_id=f"portfolio-{name}")
        account.token = "token"
        for field, value in own_app.items():
            setattr(account, field, value)
        account.save()
        return Number.objects.create(
            tenant=tenant, account=account, phone_number_id=f"pnid-{name}", display_number="+49 151 12345678"
        )


@pytest.fixture
def number(bakery: Tenant) -> Number:
    """The bakery's number; its webhooks come through the shared app."""
    return connect(bakery, "bakery")


@pytest.fixture
def shop_number(shop: Tenant) -> Number:
    """The shop's number; its webhooks come through the shop's own app."""
    return connect(shop, "shop", app_secret="the shop's secret", verify_token="the shop's verify token")


@pytest.fixture
def deliver(client: Client) -> Callable[..., None]:
    """Posts bodies to the main port as Meta would, then applies all that waits."""

    def deliver(*bodies: bytes, path: str = meta.PATH, secret: str = meta.SECRET) -> None:
        for content in bodies:
            answer = client.post(
                path, content, "application/json", headers={"X-Hub-Signature-256": sign(secret, content)}
            )
            assert answer.status_code == 200
        receiving.run(seconds=60)

    return deliver


@pytest.fixture
def anna(number: Number) -> Contact:
    """Who said yes in WhatsApp at noon of 20 November."""
    tenant = number.tenant
    with tenant_scope(tenant):
        known(tenant)
        found = person(tenant, phone="+493023125001", language="de")
        agree(tenant, found, wording=published(tenant, covers=[["whatsapp", "marketing"]]), language="de")
    return found
