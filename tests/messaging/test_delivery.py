"""Statuses find their message and bring it forward, whatever their order and however often they come."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.utils.timezone import now

from messaging import delivery
from messaging.delivery import StatusChange
from messaging.models import Message, Source
from tenants.encryption import seal
from tenants.models import Tenant
from tests import factories

T0 = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def sent(in_bakery: Tenant) -> Message:
    """One message that Meta has accepted at T0."""
    source = factories.source(factories.number(in_bakery), factories.contacts(in_bakery, 1))
    Message.objects.filter(source=source).update(
        state=Message.State.ACCEPTED, queue=2, attempt=1, wamid="wamid.A", accepted_at=T0, claimed_at=T0
    )
    return Message.objects.get(source=source)


def change(message: Message, status: str, seconds: int, *, attempt: int = 1, **fields: object) -> StatusChange:
    callback = seal("callback", message.tenant_id, message.pk, attempt)
    values = {"wamid": "wamid.A", "callback": callback} | fields
    return StatusChange(status=status, at=T0 + timedelta(seconds=seconds), **values)  # type: ignore[arg-type]


def row(message: Message) -> tuple[object, ...]:
    message.refresh_from_db()
    return (
        message.state,
        message.queue,
        message.sent_at,
        message.delivered_at,
        message.read_at,
        message.failed_at,
        message.error_code,
    )


def test_any_order_of_statuses_gives_the_same_row(sent: Message) -> None:
    statuses = [change(sent, "sent", 1), change(sent, "delivered", 2), change(sent, "read", 3)]
    results = set()
    for order in permutations(statuses):
        Message.objects.filter(pk=sent.pk).update(
            state=2, sent_at=None, delivered_at=None, read_at=None, failed_at=None, error_code=None
        )
        for one in order:
            delivery.apply(sent.tenant_id, [one])
        results.add(row(sent))

    assert results == {
        (6, 2, T0 + timedelta(seconds=1), T0 + timedelta(seconds=2), T0 + timedelta(seconds=3), None, None)
    }


def test_read_without_delivered_counts_as_delivered(sent: Message) -> None:
    delivery.apply(sent.tenant_id, [change(sent, "read", 5)])

    sent.refresh_from_db()
    assert (sent.state, sent.delivered_at) == (Message.State.READ, T0 + timedelta(seconds=5))


def test_a_failure_after_a_delivery_changes_nothing(sent: Message) -> None:
    delivery.apply(sent.tenant_id, [change(sent, "delivered", 2)])
    delivery.apply(sent.tenant_id, [change(sent, "failed", 3, error_code=131026)])

    sent.refresh_from_db()
    assert (sent.state, sent.error_code) == (Message.State.DELIVERED, None)


def test_a_failure_after_sent_is_final(sent: Message) -> None:
    delivery.apply(sent.tenant_id, [change(sent, "sent", 1), change(sent, "failed", 3, error_code=131026)])

    sent.refresh_from_db()
    assert (sent.state, sent.error_code, sent.queue) == (Message.State.FAILED, 131026, 2)


def test_a_status_without_our_token_is_found_by_its_wamid(sent: Message) -> None:
    applied = delivery.apply(sent.tenant_id, [change(sent, "delivered", 2, callback="")])

    assert applied.matched == 1
    sent.refresh_from_db()
    assert sent.state == Message.State.DELIVERED


def test_a_status_settles_an_uncertain_attempt(sent: Message) -> None:
    Message.objects.filter(pk=sent.pk).update(
        state=7, queue=1, consent_seq=1, wamid=None, accepted_at=None, reason="no_answer"
    )

    delivery.apply(sent.tenant_id, [change(sent, "sent", 4)])

    sent.refresh_from_db()
    assert (sent.state, sent.queue, sent.wamid, sent.reason) == (Message.State.SENT, 2, "wamid.A", "")
    assert sent.accepted_at == T0 + timedelta(seconds=4)


def test_a_late_failure_of_an_old_attempt_does_not_touch_the_new_one(sent: Message) -> None:
    Message.objects.filter(pk=sent.pk).update(state=1, queue=1, consent_seq=1, attempt=2, wamid=None)

    delivery.apply(sent.tenant_id, [change(sent, "failed", 9, attempt=1, error_code=131026)])

    sent.refresh_from_db()
    assert sent.state == Message.State.CLAIMED


def test_a_repeated_report_of_an_old_attempt_does_not_send_the_new_one_again(sent: Message) -> None:
    Message.objects.filter(pk=sent.pk).update(attempt=2, wamid="wamid.B")
    old = [change(sent, "sent", 1), change(sent, "failed", 2, error_code=130429)]

    delivery.apply(sent.tenant_id, old)

    sent.refresh_from_db()
    assert (sent.queue, sent.failed_at, sent.error_code) == (2, None, None)


def test_an_old_failure_beside_news_of_the_new_attempt_does_not_undo_it(sent: Message) -> None:
    Message.objects.filter(pk=sent.pk).update(attempt=2, wamid="wamid.B")
    together = [change(sent, "sent", 9, attempt=2), change(sent, "failed", 2, error_code=130429)]

    for order in permutations(together):
        delivery.apply(sent.tenant_id, order)

    sent.refresh_from_db()
    assert (sent.state, sent.queue, sent.failed_at) == (Message.State.SENT, 2, None)


def test_an_old_passing_failure_does_not_repeat_an_attempt_that_failed_for_good(sent: Message) -> None:
    Message.objects.filter(pk=sent.pk).update(attempt=2, wamid="wamid.B")
    delivery.apply(sent.tenant_id, [change(sent, "failed", 9, attempt=2, error_code=131026)])

    delivery.apply(sent.tenant_id, [change(sent, "failed", 2, error_code=130429)])

    sent.refresh_from_db()
    assert (sent.state, sent.queue, sent.error_code) == (Message.State.FAILED, 2, 131026)


def test_a_passing_failure_is_tried_again_even_if_its_sent_comes_late(sent: Message) -> None:
    delivery.apply(sent.tenant_id, [change(sent, "failed", 2, error_code=130429)])
    delivery.apply(sent.tenant_id, [change(sent, "sent", 1)])

    sent.refresh_from_db()
    assert (sent.state, sent.queue) == (Message.State.QUEUED, 0)


def test_a_sent_takes_an_uncertain_attempt_that_waits_to_be_repeated_out_of_the_queue(sent: Message) -> None:
    Message.objects.filter(pk=sent.pk).update(state=0, queue=0, attempt=1, wamid=None, accepted_at=None)

    delivery.apply(sent.tenant_id, [change(sent, "sent", 9)])

    sent.refresh_from_db()
    assert (sent.state, sent.queue) == (Message.State.SENT, 2)


def test_a_delivery_of_an_old_attempt_takes_the_repeated_one_out_of_the_queue(sent: Message) -> None:
    Message.objects.filter(pk=sent.pk).update(state=0, queue=0, attempt=1, wamid=None)

    delivery.apply(sent.tenant_id, [change(sent, "delivered", 9)])

    sent.refresh_from_db()
    assert (sent.state, sent.queue) == (Message.State.DELIVERED, 2)


def test_a_passing_failure_is_tried_again_once_however_often_it_is_reported(sent: Message) -> None:
    throttled = change(sent, "failed", 2, error_code=130429)

    delivery.apply(sent.tenant_id, [throttled])
    delivery.apply(sent.tenant_id, [throttled])

    sent.refresh_from_db()
    assert (sent.state, sent.queue, sent.failed_at) == (Message.State.QUEUED, 0, None)


@pytest.mark.parametrize(("code", "tries", "queue"), [(131000, 1, 0), (131000, 2, 2), (130429, 9, 0)])
def test_a_passing_failure_ends_a_message_after_its_own_tries_and_not_for_the_rate_of_its_number(
    sent: Message, code: int, tries: int, queue: int
) -> None:
    Message.objects.filter(pk=sent.pk).update(attempt=12, tries=tries)

    delivery.apply(sent.tenant_id, [change(sent, "failed", 2, attempt=12, error_code=code)])

    sent.refresh_from_db()
    assert sent.queue == queue
    assert sent.next_attempt_at - now() <= timedelta(minutes=1)


def test_a_personal_limit_is_not_retried_by_the_campaign(sent: Message) -> None:
    delivery.apply(sent.tenant_id, [change(sent, "failed", 2, error_code=131049)])

    sent.refresh_from_db()
    assert sent.state == Message.State.FAILED


@pytest.mark.parametrize(("stopped", "queue"), [("open", 2), ("paused", 0)])
def test_a_passing_failure_past_the_end_is_tried_again_only_where_somebody_may_resume(
    sent: Message, stopped: str, queue: int
) -> None:
    Source.objects.filter(pk=sent.source_id).update(state=stopped, expires_at=now() - timedelta(hours=1))

    delivery.apply(sent.tenant_id, [change(sent, "failed", 2, error_code=130429)])

    sent.refresh_from_db()
    assert sent.queue == queue


def test_131050_is_a_person_left_out_and_neither_a_failure_nor_an_opt_out_of_this_message(sent: Message) -> None:
    delivery.apply(sent.tenant_id, [change(sent, "failed", 2, error_code=131050)])

    sent.refresh_from_db()
    assert (sent.state, sent.reason) == (Message.State.SKIPPED, "meta_stop")
    assert sent.opted_out_at is None


def test_another_tenants_token_moves_nothing(sent: Message, shop: Tenant) -> None:
    applied = delivery.apply(shop.pk, [change(sent, "delivered", 2)])

    assert applied.unmatched == 1
    sent.refresh_from_db()
    assert sent.state == Message.State.ACCEPTED


def test_only_the_first_reply_within_72_hours_counts(sent: Message) -> None:
    delivery.mark_replied(sent.tenant_id, [(sent.pk, T0 + timedelta(hours=80))])
    sent.refresh_from_db()
    assert sent.replied_at is None

    delivery.mark_replied(sent.tenant_id, [(sent.pk, T0 + timedelta(hours=3)), (sent.pk, T0 + timedelta(hours=2))])
    sent.refresh_from_db()
    assert sent.replied_at == T0 + timedelta(hours=2)
