"""Failures that Meta tells by webhook after a 200 stop what they speak about: template, number, account, country."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from messaging import actions, claiming
from messaging.budget import Budget
from messaging.models import Message, Source
from tenants.scope import tenant_scope
from tests.inbox import meta, outbox
from whatsapp.models import Account, Number

Deliver = Callable[..., None]
UNKNOWN = 199_999


@pytest.fixture
def source(number: Number) -> Source:
    """A campaign of 101 people that Meta has accepted as wamid.1 to wamid.101."""
    return outbox.send(number, 101)[0].source


def failures(code: int, numbers: range, **more: Any) -> list[dict[str, Any]]:
    return [meta.failure(f"wamid.{n}", code, **more) for n in numbers]


def stops(number: Number) -> tuple[Any, ...]:
    """The pause codes of source, number and account."""
    with tenant_scope(number.tenant):
        return (
            *Source.objects.values_list("state", "pause_code").get(),
            Number.objects.get().pause_code,
            Account.objects.get().pause_code,
        )


def test_a_template_dropped_by_pacing_stops_its_campaign(number: Number, source: Source, deliver: Deliver) -> None:
    deliver(meta.body(number, statuses=failures(132015, range(1, 3))))

    assert stops(number) == ("paused", 132015, None, None)
    with tenant_scope(number.tenant):
        assert set(Message.objects.filter(wamid__in=["wamid.1", "wamid.2"]).values_list("state", "queue")) == {(8, 2)}


def test_a_payment_that_failed_stops_the_account(number: Number, source: Source, deliver: Deliver) -> None:
    deliver(meta.body(number, statuses=failures(131042, range(1, 50))))

    assert stops(number) == ("open", None, None, 131042)


def test_too_many_blocks_stop_the_number_for_hours(number: Number, source: Source, deliver: Deliver) -> None:
    deliver(meta.body(number, statuses=failures(131048, range(1, 2))))

    assert stops(number) == ("open", None, 131048, None)
    with tenant_scope(number.tenant):
        until = Number.objects.get().paused_until
    assert timedelta(hours=3.9) < until - now() < timedelta(hours=4)


def test_what_stands_for_longer_is_not_shortened(number: Number, source: Source, deliver: Deliver) -> None:
    later = now() + timedelta(days=1)
    with tenant_scope(number.tenant):
        Number.objects.update(paused_until=later, pause_code=131064)

    deliver(meta.body(number, statuses=failures(131048, range(1, 2))))

    with tenant_scope(number.tenant):
        assert Number.objects.values_list("paused_until", "pause_code").get() == (later, 131064)


def test_where_only_the_limit_of_a_day_was_spent_meta_stops_the_answers_too(
    number: Number, source: Source, deliver: Deliver
) -> None:
    with tenant_scope(number.tenant):
        Number.objects.update(paused_until=now() + timedelta(days=1), pause_code=-24)

    deliver(meta.body(number, statuses=failures(131048, range(1, 2))))

    assert stops(number) == ("open", None, 131048, None)


@pytest.mark.parametrize("code", [131026, 131049, 130472, 131050])
def test_what_concerns_one_person_stops_nothing(number: Number, source: Source, deliver: Deliver, code: int) -> None:
    deliver(meta.body(number, statuses=failures(code, range(1, 101))))

    assert stops(number) == ("open", None, None, None)


def test_a_repeated_webhook_does_not_stop_again_what_somebody_resumed(
    number: Number, source: Source, deliver: Deliver
) -> None:
    told = meta.body(number, statuses=[*failures(132015, range(1, 2)), *failures(131042, range(2, 3))])
    deliver(told)
    with tenant_scope(number.tenant):
        actions.resume_source(source=source, expires_at=now() + timedelta(hours=24))
        Account.objects.update(paused_at=None, pause_code=None)

    deliver(told)

    assert stops(number) == ("open", None, None, None)


def test_what_was_under_way_before_somebody_resumed_stops_nothing(
    number: Number, source: Source, deliver: Deliver
) -> None:
    deliver(meta.body(number, statuses=failures(132015, range(1, 2))))
    with tenant_scope(number.tenant):
        actions.resume_source(source=source, expires_at=now() + timedelta(hours=24))
        Message.objects.filter(wamid="wamid.3").update(claimed_at=now())

    deliver(meta.body(number, statuses=failures(132015, range(2, 3))))
    assert stops(number)[:2] == ("open", None)

    deliver(meta.body(number, statuses=failures(132015, range(3, 4))))
    assert stops(number)[:2] == ("paused", 132015)


def test_a_failure_that_a_delivery_contradicts_stops_nothing(number: Number, source: Source, deliver: Deliver) -> None:
    deliver(meta.body(number, statuses=[meta.status("wamid.1", "delivered"), *failures(132015, range(1, 2))]))

    assert stops(number) == ("open", None, None, None)


def test_a_campaign_that_is_over_stops_its_account_only_while_it_is_news(
    number: Number, source: Source, deliver: Deliver
) -> None:
    with tenant_scope(number.tenant):
        actions.close_source(source=source)

    deliver(meta.body(number, statuses=failures(131042, range(1, 2), at=now() - timedelta(days=2))))
    assert stops(number)[3] is None

    deliver(meta.body(number, statuses=failures(131042, range(2, 3), at=now())))
    assert stops(number)[3] == 131042


def test_single_messages_dropped_without_a_reason_stop_nothing(
    number: Number, source: Source, deliver: Deliver
) -> None:
    deliver(meta.body(number, statuses=failures(135000, range(1, 10))))

    assert stops(number) == ("open", None, None, None)


def test_many_dropped_without_a_reason_stop_the_campaign(number: Number, source: Source, deliver: Deliver) -> None:
    deliver(meta.body(number, statuses=failures(135000, range(1, 10))))

    deliver(meta.body(number, statuses=failures(135000, range(10, 11))))

    assert stops(number) == ("paused", 135000, None, None)


@pytest.mark.parametrize("code", [UNKNOWN, 100, 131009])
def test_a_code_that_fails_more_than_a_fifth_of_the_last_messages_stops_the_campaign(
    number: Number, source: Source, deliver: Deliver, code: int
) -> None:
    deliver(meta.body(number, statuses=failures(code, range(81, 101))))
    assert stops(number) == ("open", None, None, None)

    deliver(meta.body(number, statuses=failures(code, range(101, 102))))

    assert stops(number) == ("paused", code, None, None)


def test_few_messages_prove_nothing(number: Number, deliver: Deliver) -> None:
    outbox.send(number, 49)

    deliver(meta.body(number, statuses=failures(UNKNOWN, range(1, 50))))

    assert stops(number) == ("open", None, None, None)


def test_different_unknown_codes_are_not_added_up(number: Number, source: Source, deliver: Deliver) -> None:
    deliver(meta.body(number, statuses=[meta.failure(f"wamid.{n}", UNKNOWN + n % 6) for n in range(1, 101)]))

    assert stops(number) == ("open", None, None, None)


def test_a_country_that_meta_refuses_gets_nothing_more_of_this_campaign(
    number: Number, source: Source, deliver: Deliver
) -> None:
    deliver(meta.body(number, statuses=failures(130497, range(1, 3))))
    with tenant_scope(number.tenant):
        tenant = number.tenant
        people = [("+4915112345678", None), (None, "DE.1349"), ("+43720884488", None), (None, "AT.77")]
        waiting = [tenant.contacts.create(phone=phone, bsuid=bsuid) for phone, bsuid in people]
        Message.objects.bulk_create(
            Message(tenant=tenant, source=source, contact=contact, next_attempt_at=meta.NOON) for contact in waiting
        )
        Source.objects.update(purpose="service")
        actions.Content.objects.create(
            tenant=tenant, source=source, free_form={"type": "text", "text": {"body": "Guten Tag"}}
        )
        sender = Number.objects.select_related("account", "tenant").get()

        claimed = claiming.claim(number=sender, source_id=source.pk, most=10, budget=Budget(sender))

        fates = Message.objects.filter(contact__in=waiting).order_by("id").values_list("state", "reason")
        assert list(fates) == [(9, "country_refused"), (9, "country_refused"), (1, ""), (1, "")]
    assert len(claimed) == 2
    assert stops(number) == ("open", None, None, None)
