"""Statuses move messages forward, whatever the order, repetition or company they come in."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from inbox import receiving, recording
from inbox.models import WebhookEvent
from messaging.models import Message
from tenants.encryption import seal
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope
from tests.inbox import meta
from tests.inbox.meta import NOON
from tests.inbox.outbox import send
from whatsapp.models import Account, Number

Deliver = Callable[..., None]


def outcome(tenant: Tenant) -> list[Any]:
    with tenant_scope(tenant):
        return list(
            Message.objects.order_by("id").values_list(
                "state", "sent_at", "delivered_at", "read_at", "failed_at", "error_code", "price_category"
            )
        )


def states(tenant: Tenant) -> list[Message.State]:
    return [Message.State(row[0]) for row in outcome(tenant)]


def raw_states() -> list[tuple[int, str]]:
    with across_tenants("this test"):
        return list(WebhookEvent.objects.order_by("id").values_list("state", "error"))


def test_statuses_posted_to_the_door_reach_the_messages(number: Number, deliver: Deliver) -> None:
    send(number, 4)
    later = NOON + timedelta(seconds=9)

    deliver(
        meta.body(number, statuses=[meta.status("wamid.1", "sent"), meta.status("wamid.2", "delivered", later)]),
        meta.body(number, statuses=[meta.status("wamid.3", "read", later), meta.failure("wamid.4", 131026)]),
    )

    assert states(number.tenant) == [4, 5, 6, 8]
    assert outcome(number.tenant)[2][2] == later
    assert outcome(number.tenant)[3][5] == 131026
    assert raw_states() == [(1, ""), (1, "")]


def test_our_callback_finds_the_message_before_its_wamid_is_known(number: Number, deliver: Deliver) -> None:
    message = send(number, 1)[0]
    with tenant_scope(number.tenant):
        Message.objects.update(wamid=None, accepted_at=None, state=Message.State.UNCERTAIN)
    callback = seal("callback", number.tenant_id, message.pk, 1)

    deliver(meta.body(number, statuses=[meta.status("wamid.x", "sent", biz_opaque_callback_data=callback)]))

    assert states(number.tenant) == [Message.State.SENT]


def test_order_and_repetition_make_no_difference(number: Number, deliver: Deliver) -> None:
    send(number, 40)
    pricing = {"pricing": {"type": "regular", "category": "marketing", "pricing_model": "PMP"}}
    fates = [
        meta.status(f"wamid.{n}", name, NOON + timedelta(seconds=delay), **more)
        for n in range(1, 41)
        for name, delay, more in [("sent", 1, {}), ("delivered", 2 + n, pricing), ("read", 60 + n, {})][: n % 4]
    ] + [meta.failure(f"wamid.{n}", 131026, NOON + timedelta(seconds=5)) for n in range(4, 41, 4)]
    deliver(*(meta.body(number, statuses=[fate]) for fate in fates))
    in_order = outcome(number.tenant)
    with tenant_scope(number.tenant):
        Message.objects.update(
            state=2, sent_at=None, delivered_at=None, read_at=None, failed_at=None, error_code=None, price_category=""
        )

    shuffled = fates * 3
    random.Random(7).shuffle(shuffled)
    cuts = range(0, len(shuffled), 23)
    deliver(*(meta.body(number, statuses=shuffled[cut : cut + 23]) for cut in cuts))

    assert outcome(number.tenant) == in_order
    assert len({row[0] for row in in_order}) == 4


def test_a_thousand_statuses_in_one_body_survive_a_broken_one(number: Number, deliver: Deliver) -> None:
    send(number, 1000)
    statuses = [meta.status(f"wamid.{n}", "delivered") for n in range(1, 1001)]
    del statuses[500]["timestamp"]

    deliver(meta.body(number, statuses=statuses))

    assert states(number.tenant).count(Message.State.DELIVERED) == 999
    assert states(number.tenant)[500] == Message.State.ACCEPTED
    assert raw_states() == [(2, "unreadable statuses at 500: timestamp")]


def test_a_status_that_cannot_be_stored_is_set_aside_alone(number: Number, deliver: Deliver) -> None:
    send(number, 300)
    statuses = [meta.status(f"wamid.{n}", "delivered") for n in range(1, 300)]
    price = {"pricing": {"type": "t" * 25, "category": "marketing"}}

    deliver(
        meta.body(number, statuses=statuses[:150]),
        meta.body(number, statuses=[*statuses[150:], meta.status("wamid.300", "delivered", **price)]),
        b'{"entry": [[[',
    )

    assert states(number.tenant).count(Message.State.DELIVERED) == 299
    (first, poisoned, unreadable) = raw_states()
    assert first == (1, "")
    assert poisoned[0] == 2
    assert "DataError 22001 in Status at 149" in poisoned[1]
    assert unreadable == (2, "NotJSON while reading")


def test_unknown_numbers_accounts_and_kinds_are_done_without_error(number: Number, deliver: Deliver) -> None:
    send(number, 1)
    stranger = Number(phone_number_id="pnid-nobody", account=Account(waba_id="waba-nobody"))
    delivered = meta.status("wamid.1", "delivered")

    deliver(
        meta.body(stranger, statuses=[delivered]),
        # The number is ours, but Meta never puts it under another account.
        meta.body(number, waba_id="waba-nobody", statuses=[delivered]),
        meta.entry("waba-nobody", {"field": "account_update", "value": {"event": "ACCOUNT_DELETED"}}),
        meta.entry("waba-bakery", {"field": "something_new", "value": {"event": "WHATEVER"}}),
        b'{"object": "page"}',
    )

    assert raw_states() == [(1, "")] * 5
    assert states(number.tenant) == [Message.State.ACCEPTED]


def test_a_tenants_own_app_cannot_touch_another_tenant(number: Number, shop_number: Number, deliver: Deliver) -> None:
    send(number, 1)
    shop_path = f"{meta.PATH}{shop_number.account.uid}/"
    template_deleted = {"field": "account_update", "value": {"event": "ACCOUNT_DELETED"}}

    deliver(
        meta.body(number, statuses=[meta.status("wamid.1", "read")]),
        meta.body(number, waba_id="waba-shop", statuses=[meta.status("wamid.1", "read")]),
        meta.entry("waba-bakery", template_deleted),
        path=shop_path,
        secret="the shop's secret",
    )

    assert states(number.tenant) == [Message.State.ACCEPTED]
    with across_tenants("this test"):
        assert set(Account.objects.values_list("paused_at", flat=True)) == {None}


def test_a_callback_token_of_another_tenant_is_not_obeyed(
    number: Number, shop_number: Number, deliver: Deliver
) -> None:
    message = send(number, 1)[0]
    callback = seal("callback", number.tenant_id, message.pk, 1)
    stolen = meta.status("wamid.9", "read", biz_opaque_callback_data=callback)

    deliver(
        meta.body(shop_number, statuses=[stolen]),
        path=f"{meta.PATH}{shop_number.account.uid}/",
        secret="the shop's secret",
    )

    assert states(number.tenant) == [Message.State.ACCEPTED]


def test_the_account_remembers_that_webhooks_arrive(number: Number, deliver: Deliver) -> None:
    deliver(meta.body(number, statuses=[meta.status("wamid.1", "sent")]))

    with tenant_scope(number.tenant):
        assert Account.objects.get().webhook_seen_at is not None


def test_a_run_without_time_applies_one_batch_and_says_whether_more_may_wait(number: Number) -> None:
    assert receiving.run(seconds=0) is False

    body = meta.body(number, statuses=[meta.status("wamid.1", "sent")])
    recording.store([recording.Received(None, recording.STATUSES_ONLY, body)])

    assert receiving.run(seconds=0) is True
    assert receiving.run(seconds=0) is False
