"""The hourly comparison with Meta: accounts whose webhooks go nowhere are subscribed, and nothing waits for it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from whatsapp import syncing
from whatsapp.client import Client
from whatsapp.emulator import Running, running
from whatsapp.models import Account

OWN_ADDRESS = "https://example.com/webhooks/"


@pytest.fixture
def account(bakery: Tenant, settings: Settings) -> Iterator[Account]:
    with running() as meta:
        settings.WHATSAPP_API_URL = meta.base_url
        yield registered(bakery, meta)


@pytest.fixture
def client(account: Account) -> Iterator[Client]:
    with syncing.client_for(account) as client:
        yield client


def registered(tenant: Tenant, meta: Running) -> Account:
    number = factories.number(tenant)
    meta.add_number(number.phone_number_id, number.account.waba_id)
    return number.account


def sync(account: Account) -> None:
    syncing.sync(account.tenant_id, account.pk)


@contextmanager
def stub(status: int, subscribed_apps: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """A Meta with this answer about subscriptions, and a good one to everything else; yields what was posted."""
    posted: list[str] = []

    class Meta(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "/subscribed_apps" in self.path:
                self.answer(status, subscribed_apps)
            else:
                self.answer(200, {"data": [], "verified_name": "Sonne"})

        def do_POST(self) -> None:
            posted.append(self.path.rsplit("/", 1)[1])
            self.answer(200, {"success": True})

        def answer(self, status: int, document: dict[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Meta)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", posted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_account_that_was_never_subscribed_is_subscribed(account: Account, client: Client) -> None:
    assert client.subscriptions(account.waba_id) == []

    sync(account)

    assert len(client.subscriptions(account.waba_id)) == 1


def test_an_account_that_lost_its_subscription_gets_it_back(account: Account, client: Client) -> None:
    with tenant_scope(account.tenant):
        Account.objects.update(webhook_seen_at=now())
    client.subscribe(account.waba_id)
    client.unsubscribe(account.waba_id)

    sync(account)

    assert len(client.subscriptions(account.waba_id)) == 1


@pytest.mark.parametrize("has_told_us", [False, True])
def test_an_address_that_somebody_gave_an_account_stays(account: Account, client: Client, has_told_us: bool) -> None:
    with tenant_scope(account.tenant):
        Account.objects.update(webhook_seen_at=now() if has_told_us else None)
    client.subscribe(account.waba_id, callback_url=OWN_ADDRESS, verify_token="v")

    sync(account)

    assert client.subscriptions(account.waba_id)[0]["override_callback_uri"] == OWN_ADDRESS


@pytest.mark.parametrize(("has_told_us", "posted"), [(False, ["subscribed_apps"]), (True, [])])
def test_another_app_counts_only_once_something_has_arrived(
    bakery: Tenant, settings: Settings, has_told_us: bool, posted: list[str]
) -> None:
    account = factories.number(bakery).account
    with tenant_scope(bakery):
        Account.objects.update(webhook_seen_at=now() if has_told_us else None)

    with stub(200, {"data": [{"whatsapp_business_api_data": {"id": "1", "name": "Another provider"}}]}) as (url, seen):
        settings.WHATSAPP_API_URL = url
        sync(account)

    assert seen == posted


def test_a_refused_subscription_keeps_nothing_else_from_being_fetched(bakery: Tenant, settings: Settings) -> None:
    number = factories.number(bakery)
    with stub(403, {"error": {"code": 200, "message": "no permission"}}) as (url, _):
        settings.WHATSAPP_API_URL = url
        sync(number.account)

    with tenant_scope(bakery):
        number.refresh_from_db()
    assert number.verified_name == "Sonne"
