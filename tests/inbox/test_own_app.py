"""From the emulated Meta to the doors over HTTP: the shared app's webhooks, and those of a tenant's own app."""

from collections.abc import Iterator
from typing import Any

import pytest

from inbox import receiving
from inbox.models import InboundMessage, WebhookEvent
from tenants.models import Tenant
from tenants.scope import across_tenants
from tests.inbox import meta
from whatsapp.emulator import Profile, Running, running
from whatsapp.models import Number

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("truncatable")]


@pytest.fixture
def emulator(live_server: Any) -> Iterator[Running]:
    """Meta with our shared app; it repeats nothing, so that a refused webhook is lost at once."""
    profile = Profile.perfect(retry_limit=0, retry_base_s=0.0)
    with running(profile, webhook_url=f"{live_server}{meta.PATH}", app_secret=meta.SECRET) as emulator:
        yield emulator


def give_own_app(emulator: Running, live_server: Any, number: Number, secret: str) -> None:
    emulator.add_account(
        number.account.waba_id, app_url=f"{live_server}{meta.PATH}{number.account.uid}/", app_secret=secret
    )
    emulator.add_number(number.phone_number_id, number.account.waba_id)


def received() -> list[tuple[str, bool]]:
    """Whose inbound messages are stored, and whether each came through a door of its own."""
    receiving.run(seconds=60)
    with across_tenants("this test"):
        owners = [message.tenant.slug for message in InboundMessage.objects.order_by("id")]
        doors = [event.account_id is not None for event in WebhookEvent.objects.order_by("id")]
    return list(zip(owners, doors, strict=True))


def test_each_app_signs_and_posts_for_its_own_accounts(
    emulator: Running, live_server: Any, number: Number, shop_number: Number, bakery: Tenant, shop: Tenant
) -> None:
    emulator.add_number(number.phone_number_id, number.account.waba_id)
    give_own_app(emulator, live_server, shop_number, "the shop's secret")

    emulator.say(number.phone_number_id, "493023125001", "Hallo")
    assert emulator.settle()
    emulator.say(shop_number.phone_number_id, "493023125001", "Hallo")
    assert emulator.settle()

    assert received() == [(bakery.slug, False), (shop.slug, True)]


def test_an_app_with_another_secret_gets_nothing_in(emulator: Running, live_server: Any, shop_number: Number) -> None:
    give_own_app(emulator, live_server, shop_number, meta.SECRET)

    emulator.say(shop_number.phone_number_id, "493023125001", "Hallo")
    assert emulator.settle()

    assert emulator.stats()["webhooks_lost"] == 1
    assert received() == []


def test_what_is_injected_is_signed_by_the_app_of_its_account(
    emulator: Running, live_server: Any, shop_number: Number, shop: Tenant
) -> None:
    give_own_app(emulator, live_server, shop_number, "the shop's secret")

    emulator.inject(meta.body(shop_number, messages=[meta.text("Hallo")]))
    assert emulator.settle()

    assert received() == [(shop.slug, True)]
