"""Answers meet rows that changed meanwhile: statuses overtake acceptances, and campaigns are cancelled."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils.timezone import now

from contacts.models import Contact
from messaging import actions, claiming, delivery, recording
from messaging.budget import Budget
from messaging.claiming import Outgoing
from messaging.delivery import StatusChange
from messaging.models import Message, Source
from messaging.recording import Outcome
from tenants.encryption import seal
from tenants.models import Tenant
from tests import factories
from whatsapp.client import Accepted
from whatsapp.errors import NotSent, Refused
from whatsapp.models import Account, Number

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACCEPTED = Accepted("wamid.A", "", "", "")


@pytest.fixture
def number(in_bakery: Tenant) -> Number:
    return factories.number(in_bakery)


@pytest.fixture
def claimed(number: Number) -> Message:
    """One message on its way to Meta, its first attempt."""
    source = factories.source(number, factories.contacts(number.tenant, 1))
    Message.objects.filter(source=source).update(
        state=Message.State.CLAIMED, queue=1, consent_seq=1, attempt=1, claimed_at=AT
    )
    return Message.objects.get(source=source)


@pytest.fixture
def waiting(number: Number) -> Message:
    """One message that nobody has tried to send yet."""
    return Message.objects.get(source=factories.source(number, factories.contacts(number.tenant, 1)))


def answer(number: Number, message: Message, what: Accepted | NotSent | Refused) -> tuple[int, int, str]:
    recording.record(number, [Outcome(message.pk, 1, message.source_id, what, AT)])
    message.refresh_from_db()
    return message.state, message.queue, message.reason


def status(message: Message, word: str, code: int | None = None) -> None:
    callback = seal("callback", message.tenant_id, message.pk, 1)
    change = StatusChange("wamid.A", word, AT + timedelta(seconds=1), callback, code)
    delivery.apply(message.tenant_id, [change])


def claim_again(number: Number, message: Message) -> Outgoing:
    """Its next attempt, on its way to Meta."""
    Message.objects.filter(pk=message.pk).update(next_attempt_at=now() - timedelta(days=1))
    [outgoing] = claiming.claim(number=number, source_id=message.source_id, most=1, budget=Budget(number))
    return outgoing


def meet(number: Number, message: Message, *answers: NotSent | Refused) -> tuple[int, int]:
    """Try it again and again, with these answers."""
    for what in answers:
        sent = claim_again(number, message)
        recording.record(number, [Outcome(message.pk, sent.attempt, sent.source_id, what, AT, sent.tries)])
    message.refresh_from_db()
    return message.state, message.queue


def test_an_acceptance_does_not_lower_a_delivery_that_overtook_it(number: Number, claimed: Message) -> None:
    status(claimed, "delivered")

    assert answer(number, claimed, ACCEPTED) == (Message.State.DELIVERED, 2, "")


def test_an_acceptance_does_not_hide_the_stop_that_overtook_it(number: Number, claimed: Message) -> None:
    status(claimed, "failed", 131050)

    assert answer(number, claimed, ACCEPTED) == (Message.State.SKIPPED, 2, "meta_stop")


@pytest.mark.parametrize("code", [130429, 131000, 131016])
def test_an_acceptance_does_not_end_the_wait_of_what_has_failed_since_and_goes_again(
    number: Number, claimed: Message, code: int
) -> None:
    status(claimed, "failed", code)

    assert answer(number, claimed, ACCEPTED) == (Message.State.QUEUED, 0, "")


@pytest.mark.parametrize(("state", "queue"), [("CLAIMED", 1), ("UNCERTAIN", 1), ("QUEUED", 0)])
def test_the_acceptance_of_its_next_attempt_counts_whatever_the_sweeper_made_of_that(
    number: Number, claimed: Message, state: str, queue: int
) -> None:
    status(claimed, "failed", 131000)
    second = claim_again(number, claimed)
    Message.objects.filter(pk=claimed.pk).update(state=Message.State[state], queue=queue)

    recording.record(number, [Outcome(claimed.pk, second.attempt, claimed.source_id, ACCEPTED, AT)])

    claimed.refresh_from_db()
    assert (claimed.state, claimed.queue) == (Message.State.ACCEPTED, 2)


def test_a_refusal_with_131050_leaves_the_person_out_and_counts_no_opt_out(number: Number, claimed: Message) -> None:
    assert answer(number, claimed, Refused(131050)) == (Message.State.SKIPPED, 2, "meta_stop")
    assert claimed.opted_out_at is None


def test_a_late_acceptance_settles_what_the_sweeper_called_uncertain(number: Number, claimed: Message) -> None:
    Message.objects.filter(pk=claimed.pk).update(state=Message.State.UNCERTAIN, reason="worker_lost")

    assert answer(number, claimed, ACCEPTED) == (Message.State.ACCEPTED, 2, "")


def test_an_answer_to_an_old_attempt_changes_nothing(number: Number, claimed: Message) -> None:
    Message.objects.filter(pk=claimed.pk).update(attempt=2)

    assert answer(number, claimed, ACCEPTED) == (Message.State.CLAIMED, 1, "")


def test_what_may_be_sent_again_waits_while_its_campaign_is_open(number: Number, claimed: Message) -> None:
    assert answer(number, claimed, NotSent("no connection")) == (Message.State.QUEUED, 0, "")


def test_what_never_left_spends_none_of_the_tries_that_a_refusal_leaves(number: Number, waiting: Message) -> None:
    refused, not_sent = Refused(131000), NotSent("no connection")

    assert meet(number, waiting, *[not_sent] * 6, refused, not_sent, refused) == (Message.State.QUEUED, 0)
    assert meet(number, waiting, refused) == (Message.State.FAILED, 2)


@pytest.mark.parametrize("code", [4, 130429, 131057])
def test_what_says_nothing_of_the_message_never_ends_it(number: Number, waiting: Message, code: int) -> None:
    assert meet(number, waiting, *[Refused(code)] * 12) == (Message.State.QUEUED, 0)

    rule = Refused(code).rule
    assert waiting.next_attempt_at - now() <= timedelta(seconds=max(60, rule.retry_after_s or 0))
    assert meet(number, waiting, *[Refused(131000)] * 3) == (Message.State.FAILED, 2)


@pytest.mark.parametrize(("code", "counted"), [(131026, 1), (190, 0)])
def test_an_answer_that_is_recorded_again_counts_once_and_stops_nothing_that_was_resumed(
    number: Number, claimed: Message, code: int, counted: int
) -> None:
    answer(number, claimed, Refused(code))
    Account.objects.update(paused_at=None, pause_code=None)

    answer(number, claimed, Refused(code))

    assert Contact.objects.get(pk=claimed.contact_id).undelivered == counted
    assert Account.objects.get().pause_code is None


def test_nothing_goes_back_into_the_queue_of_a_cancelled_campaign(number: Number, claimed: Message) -> None:
    actions.close_source(source=Source.objects.get(pk=claimed.source_id))

    assert answer(number, claimed, NotSent("no connection")) == (Message.State.CANCELLED, 2, "campaign_cancelled")


def test_under_a_paused_template_the_message_waits_at_meta_and_the_rest_waits_here(
    number: Number, claimed: Message
) -> None:
    assert answer(number, claimed, Accepted("wamid.A", "", "", "paused")) == (Message.State.HELD, 2, "")

    source = Source.objects.get(pk=claimed.source_id)
    assert (source.state, source.pause_code) == (Source.State.PAUSED, 132015)
    status(claimed, "failed", 132015)
    claimed.refresh_from_db()
    assert claimed.state == Message.State.FAILED


def test_an_answer_that_cannot_be_stored_takes_no_other_along(number: Number) -> None:
    source = factories.source(number, factories.contacts(number.tenant, 3))
    Message.objects.filter(source=source).update(
        state=Message.State.CLAIMED, queue=1, consent_seq=1, attempt=1, claimed_at=AT
    )
    odd, *others = Message.objects.filter(source=source).order_by("id")
    wamids = {odd.pk: "wamid." + "A" * 300} | {message.pk: "wamid.A" for message in others}

    stored = recording.record(
        number, [Outcome(pk, 1, source.pk, Accepted(wamid, "", "", ""), AT) for pk, wamid in wamids.items()]
    )

    assert factories.states(source) == {"CLAIMED": 1, "ACCEPTED": 2}
    assert {outcome.message_id for outcome in stored} == {message.pk for message in others}


def test_a_database_that_takes_nothing_is_away_and_no_answer_is_set_aside(number: Number, claimed: Message) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")

    with pytest.raises(recording.Away):
        recording.record(number, [Outcome(claimed.pk, 1, claimed.source_id, ACCEPTED, AT)])


@pytest.mark.parametrize(("refused", "stopped_by"), [(12, None), (13, 199_999)])
def test_a_code_nobody_knows_stops_a_campaign_once_more_than_a_fifth_fails(
    number: Number, refused: int, stopped_by: int | None
) -> None:
    source = factories.source(number, factories.contacts(number.tenant, 60))
    Message.objects.filter(source=source).update(
        state=Message.State.CLAIMED, queue=1, consent_seq=1, attempt=1, claimed_at=AT
    )
    ids = Message.objects.filter(source=source).order_by("-id").values_list("id", flat=True)

    answers = [Refused(199_999, http_status=400)] * refused + [ACCEPTED] * (60 - refused)
    recording.record(number, [Outcome(pk, 1, source.pk, answer, AT) for pk, answer in zip(ids, answers, strict=True)])

    source.refresh_from_db()
    assert source.pause_code == stopped_by


def test_a_refused_country_is_remembered_once(number: Number) -> None:
    source = factories.source(number, factories.contacts(number.tenant, 3))
    Message.objects.filter(source=source).update(
        state=Message.State.CLAIMED, queue=1, consent_seq=1, attempt=1, claimed_at=AT
    )
    first, *others = Message.objects.filter(source=source).values_list("id", flat=True)

    recording.record(number, [Outcome(first, 1, source.pk, Refused(130497), AT)])
    recording.record(number, [Outcome(pk, 1, source.pk, Refused(130497), AT) for pk in others])

    source.refresh_from_db()
    assert (source.refused_countries, source.state) == (["DE"], Source.State.OPEN)
    assert factories.states(source) == {"FAILED": 3}
