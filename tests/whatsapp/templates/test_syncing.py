"""Templates and numbers follow what Meta says; what is changed here meanwhile is not overwritten."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.whatsapp.templates.cast import BODY, described, draft, stored, sync
from whatsapp import syncing, tasks
from whatsapp.emulator import Running
from whatsapp.errors import Refused, WhatsAppError
from whatsapp.models import Account, Number, Template


def test_metas_templates_and_the_numbers_health_are_stored(account: Account, meta: Running) -> None:
    first = meta.add_template(account.waba_id, described("angebot"))
    second = meta.add_template(account.waba_id, described("pause"), status="PAUSED")

    assert sync(account) == 2

    assert stored(account) == {"angebot": ("APPROVED", first), "pause": ("PAUSED", second)}
    with tenant_scope(account.tenant):
        number = Number.objects.get()
        assert Account.objects.get().templates_synced_at
        assert Template.objects.get(name="angebot").components == BODY
    assert (number.verified_name, number.quality) == ("Bäckerei Sonne", "GREEN")


def test_a_higher_limit_ends_the_stop_at_the_lower_one(account: Account, meta: Running) -> None:
    with tenant_scope(account.tenant):
        Number.objects.update(daily_limit=250, paused_until=now() + timedelta(hours=20), pause_code=-24)

    sync(account)

    with tenant_scope(account.tenant):
        number = Number.objects.get()
    assert (number.daily_limit, number.paused_until, number.pause_code) == (None, None, None)


def test_the_account_takes_metas_name_and_currency(account: Account, meta: Running) -> None:
    meta.add_account(account.waba_id, name="Sonne GmbH", currency="CHF")

    sync(account)

    with tenant_scope(account.tenant):
        account.refresh_from_db()
    assert (account.name, account.currency) == ("Sonne GmbH", "CHF")


def test_an_account_that_is_not_described_well_stays_as_it_is(account: Account, meta: Running) -> None:
    meta.add_account(account.waba_id, name="", currency="francs")

    sync(account)

    with tenant_scope(account.tenant):
        account.refresh_from_db()
        assert account.templates_synced_at
    assert (account.name, account.currency) == ("", "EUR")


def test_syncing_proves_with_the_apps_secret(account: Account, meta: Running, settings: Settings) -> None:
    settings.WHATSAPP_APPSECRET_PROOF, settings.WHATSAPP_APP_SECRET = True, "app"
    meta.point_webhooks("", "app")
    assert sync(account) == 0

    meta.point_webhooks("", "another")

    with pytest.raises(Refused):
        sync(account)


@pytest.fixture
def stranger(settings: Settings) -> Iterator[None]:
    """Somebody's own stub of Meta: it has one template and no idea of numbers and accounts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            knows = "/message_templates" in self.path
            found = {"data": [described("fremd", id="7", status="APPROVED")]} if knows else {}
            content = json.dumps(found).encode()
            self.send_response(200 if knows or "phone" in self.path else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    settings.WHATSAPP_API_URL = f"http://127.0.0.1:{server.server_port}"
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("stranger")
def test_a_stranger_who_knows_no_accounts_is_asked_for_the_rest(bakery: Tenant) -> None:
    account = factories.number(bakery, phone_number_id="phone").account

    sync(account)

    assert stored(account) == {"fremd": ("APPROVED", "7")}


def test_a_second_sync_changes_rows_and_adds_none(account: Account, meta: Running) -> None:
    template_id = meta.add_template(account.waba_id, described("angebot"))
    sync(account)
    with tenant_scope(account.tenant):
        uid = Template.objects.get().uid
    meta.judge_template(template_id, "PAUSED")

    sync(account)

    assert stored(account) == {"angebot": ("PAUSED", template_id)}
    with tenant_scope(account.tenant):
        assert Template.objects.get().uid == uid


def test_what_meta_no_longer_lists_is_marked_deleted_and_kept(account: Account, meta: Running) -> None:
    kept = meta.add_template(account.waba_id, described("bleibt"))
    factories.template(account.tenant, name="weg", meta_id="5001")

    sync(account)

    assert stored(account) == {"bleibt": ("APPROVED", kept), "weg": ("DELETED", "5001")}


def test_drafts_are_none_of_metas_business(account: Account) -> None:
    draft(account)

    sync(account)

    assert stored(account) == {"neu": ("DRAFT", "")}


def test_what_was_submitted_while_meta_was_asked_is_not_called_deleted(account: Account) -> None:
    asked_at = now() - timedelta(seconds=1)
    factories.template(account.tenant, name="eben", meta_id="5002", status="PENDING")

    with tenant_scope(account.tenant):
        syncing.store_templates(account, [], asked_at)

    assert stored(account) == {"eben": ("PENDING", "5002")}


def test_no_tenants_sync_touches_another_ones_templates(account: Account, meta: Running, shop: Tenant) -> None:
    factories.number(shop)
    factories.template(shop, name="angebot", meta_id="7")
    meta.add_template(account.waba_id, described("angebot"), status="PAUSED")

    sync(account)

    with tenant_scope(shop):
        assert Template.objects.get().status == "APPROVED"


def test_every_active_and_unpaused_account_is_asked(account: Account, shop: Tenant) -> None:
    factories.number(shop)
    with tenant_scope(shop):
        Account.objects.update(paused_at=now(), pause_code=190)

    assert syncing.accounts() == [(account.tenant_id, account.pk)]


def test_when_meta_is_away_nothing_changes_and_the_task_ends_quietly(account: Account, settings: Settings) -> None:
    factories.template(account.tenant)
    settings.WHATSAPP_API_URL = "http://127.0.0.1:9"

    with pytest.raises(WhatsAppError):
        sync(account)
    tasks.sync_account(tenant_id=account.tenant_id, account_id=account.pk)

    assert stored(account) == {"fruehling": ("APPROVED", "5001")}
