"""Connecting a number: its token is sealed for its company, its id is nobody else's, and it can be done again."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from pytest_django import Settings

from tenants.encryption import CannotDecrypt
from tenants.models import AuditEvent, Tenant
from tenants.scope import across_tenants, tenant_scope
from tests import factories
from whatsapp import actions, syncing
from whatsapp.emulator import Running, running
from whatsapp.models import Account, Number, Template

GIVEN = {
    "waba_id": "102290129340398",
    "phone_number_id": "106540352242922",
    "display_number": "+49 30 23125000",
    "token": "EAAG-secret-token",
    "app_secret": "app-secret",
    "verify_token": "verify-me",
}


@pytest.fixture
def meta(settings: Settings) -> Iterator[Running]:
    with running() as emulator:
        emulator.add_number(
            GIVEN["phone_number_id"], GIVEN["waba_id"], display="+49 30 23125000", name="Bäckerei Sonne"
        )
        settings.WHATSAPP_API_URL = emulator.base_url
        yield emulator


def connect(tenant: Tenant, **changes: Any) -> Number:
    with tenant_scope(tenant):
        return actions.connect_number(tenant=tenant, by=None, **{**GIVEN, **changes})


def command(**changes: Any) -> tuple[dict[str, Any], str]:
    """Run the command; returns what it printed as JSON, and what it said besides."""
    options = {"tenant": "bakery", "app_secret": "", "verify_token": "", **GIVEN, **changes}
    out, err = StringIO(), StringIO()
    call_command("connect_number", stdout=out, stderr=err, **options)
    return json.loads(out.getvalue()), err.getvalue()


def test_the_row_shows_no_secret_and_the_account_does(bakery: Tenant) -> None:
    account = connect(bakery).account

    with tenant_scope(bakery), connection.cursor() as cursor:
        cursor.execute("SELECT a::text FROM whatsapp_account a")
        row = cursor.fetchone()[0]
        stored = Account.objects.get()
    for secret in ("token", "app_secret", "verify_token"):
        assert GIVEN[secret] not in row
        assert getattr(stored, secret) == GIVEN[secret]
    assert account.portfolio_id == GIVEN["waba_id"]


def test_the_trail_knows_the_number_but_no_secret(bakery: Tenant) -> None:
    connect(bakery)

    with tenant_scope(bakery):
        event = AuditEvent.objects.get(verb="number.connected")
    assert GIVEN["token"] not in str(vars(event))


def test_a_token_copied_to_another_company_or_field_opens_nothing(bakery: Tenant, shop: Tenant) -> None:
    mine = connect(bakery).account
    other = connect(shop, waba_id="9", phone_number_id="9").account

    with tenant_scope(shop):
        other.token_encrypted = mine.token_encrypted
        with pytest.raises(CannotDecrypt):
            _ = other.token
    mine.app_secret_encrypted = mine.token_encrypted
    with pytest.raises(CannotDecrypt):
        _ = mine.app_secret


def test_a_number_belongs_to_one_company_only(bakery: Tenant, shop: Tenant) -> None:
    connect(bakery)

    with pytest.raises(IntegrityError):
        connect(shop, waba_id="other")

    with across_tenants("this test"):
        assert Number.objects.get().tenant == bakery
        assert not Account.objects.filter(tenant=shop).exists()


def test_connecting_again_renews_token_and_pace_and_ends_a_stop(bakery: Tenant) -> None:
    first = connect(bakery)
    with tenant_scope(bakery):
        Account.objects.update(paused_at=first.created_at, pause_code=190)

    again = connect(bakery, token="EAAG-new", app_secret="", throughput=40)

    assert (again.pk, again.uid, again.throughput) == (first.pk, first.uid, 40)
    assert (again.account.token, again.account.app_secret) == ("EAAG-new", "")
    with tenant_scope(bakery):
        stored = Account.objects.get()
    assert (stored.paused_at, stored.pause_code) == (None, None)


def test_a_second_number_shares_the_account(bakery: Tenant) -> None:
    first, second = connect(bakery), connect(bakery, phone_number_id="2")

    assert first.account_id == second.account_id


@pytest.mark.parametrize("throughput", [0, -5])
def test_a_number_that_could_send_nothing_is_refused(bakery: Tenant, throughput: int) -> None:
    with pytest.raises(ValidationError):
        connect(bakery, throughput=throughput)


def test_mended_accounts_and_numbers_send_again(bakery: Tenant) -> None:
    number = factories.number(bakery, paused_until="2030-01-01T00:00:00Z", pause_code=131048)
    with tenant_scope(bakery):
        Account.objects.update(paused_at=number.created_at, pause_code=190)
        actions.resume_account(account=number.account, by=None)
        actions.resume_number(number=number, by=None)
        stored = Number.objects.select_related("account").get()

    assert (stored.paused_until, stored.pause_code) == (None, None)
    assert (stored.account.paused_at, stored.account.pause_code) == (None, None)


def test_the_command_connects_and_fetches_templates_and_health(bakery: Tenant, meta: Running) -> None:
    meta.add_template(
        GIVEN["waba_id"], {"name": "gruss", "language": "de", "components": factories.MARKETING_COMPONENTS}
    )

    told, complaint = command()

    with tenant_scope(bakery):
        number = Number.objects.select_related("account").get()
        assert Template.objects.get().name == "gruss"
    assert told == {
        "number": str(number.uid),
        "account": str(number.account.uid),
        "webhook_path": f"/webhooks/whatsapp/{number.account.uid}/",
        "subscribed": True,
        "templates": 1,
    }
    with syncing.client_for(number.account) as client:
        assert client.subscriptions(GIVEN["waba_id"])
    assert (number.verified_name, complaint) == ("Bäckerei Sonne", "")


def test_a_company_without_its_own_meta_app_uses_the_shared_webhook(bakery: Tenant, meta: Running) -> None:
    told, _ = command(app_secret="", tenant=str(bakery.uid))

    assert told["webhook_path"] == "/webhooks/whatsapp/"


def test_the_number_is_connected_even_if_meta_is_away(bakery: Tenant, settings: Settings) -> None:
    settings.WHATSAPP_API_URL = "http://127.0.0.1:9"

    told, complaint = command()

    assert (told["templates"], told["subscribed"]) == (None, False)
    assert "could not be fetched" in complaint
    assert "does not send webhooks for account 102290129340398 yet" in complaint
    assert GIVEN["token"] not in complaint
    with tenant_scope(bakery):
        assert Number.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tenant": "nobody"}, "no tenant 'nobody'"),
        ({"throughput": 0}, "(?i)(message|nachricht)"),
        ({"phone_number_id": "200"}, "another"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    bakery: Tenant, shop: Tenant, changes: dict[str, Any], words: str
) -> None:
    factories.number(shop, phone_number_id="200")

    with pytest.raises(CommandError, match=words):
        command(**changes)

    with tenant_scope(bakery):
        assert not Account.objects.exists()


def test_cg_53_a_number_can_be_registered_so_that_its_messages_are_kept_in_germany(
    bakery: Tenant, meta: Running
) -> None:
    registered = meta.emulator.world.number(GIVEN["phone_number_id"])
    with pytest.raises(CommandError, match="deregister it before"):
        command(pin="123456", storage_region="DE")
    # Stops and replies arrive all the same.
    assert meta.emulator.world.accounts[GIVEN["waba_id"]].is_subscribed
    registered.is_registered = False

    command(pin="123456", storage_region="de")

    assert (registered.is_registered, registered.storage_region) == (True, "DE")
    with tenant_scope(bakery):
        assert Number.objects.get().storage_region == "DE"
    with pytest.raises(CommandError, match="kept in DE"):
        command(pin="123456")


def test_where_messages_are_kept_cannot_be_chosen_without_registering(bakery: Tenant, meta: Running) -> None:
    with pytest.raises(CommandError, match="--pin"):
        command(storage_region="DE")
