"""What killed workers and unknown outcomes leave behind is found, and repeated only when that is safe."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils.timezone import now
from pytest_django import Settings

from messaging import actions, reasons, sweeping
from messaging.models import Message, Source
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope
from tests import factories
from tests.plans import rows_looked_at


@pytest.fixture
def source(in_bakery: Tenant, settings: Settings) -> Source:
    settings.MESSAGING_CLAIM_GRACE_S = 60
    settings.MESSAGING_SETTLE_S = 900
    return factories.source(factories.number(in_bakery), factories.contacts(in_bakery, 3))


def claimed(source: Source, seconds_ago: float, **fields: object) -> Message:
    message = Message.objects.filter(source=source, queue=0).order_by("id")[0]
    at = now() - timedelta(seconds=seconds_ago)
    written = {"queue": 1, "consent_seq": 1, "state": 1, "attempt": 1, "claimed_at": at, "next_attempt_at": at}
    Message.objects.filter(pk=message.pk).update(**written | fields)
    return message


def state(message: Message) -> tuple[int, int, str]:
    message.refresh_from_db()
    return message.state, message.queue, message.reason


def test_a_claim_without_answer_becomes_uncertain_never_queued(source: Source) -> None:
    left, fresh = claimed(source, 90), claimed(source, 30)

    sweeping.sweep()

    assert state(left) == (Message.State.UNCERTAIN, 1, "worker_lost")
    assert state(fresh) == (Message.State.CLAIMED, 1, "")


def test_an_uncertain_one_is_repeated_when_later_messages_were_confirmed(source: Source) -> None:
    unclear = claimed(source, 1000, state=7)
    claimed(source, 500, state=4, queue=2, sent_at=now())

    sweeping.sweep()

    assert state(unclear) == (Message.State.QUEUED, 0, "")


@pytest.mark.parametrize(("tries", "queue"), [(3, 0), (4, 2)])
def test_it_is_repeated_four_times_whatever_else_had_kept_it_from_leaving(
    source: Source, tries: int, queue: int
) -> None:
    unclear = claimed(source, 1000, state=7, attempt=20, tries=tries)
    claimed(source, 500, state=4, queue=2, sent_at=now())

    sweeping.sweep()

    unclear.refresh_from_db()
    assert (unclear.queue, unclear.tries) == (queue, 4)


def test_those_that_wait_for_the_statuses_of_others_hold_no_other_campaign_up(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "SETTLE_AT_A_TIME", 2)
    early = [claimed(source, 1000, state=7) for _ in range(2)]
    claimed(source, 1000, state=2, queue=2, accepted_at=now() - timedelta(seconds=1000))
    people = factories.contacts(source.tenant, 2, start=3)
    other = factories.source(source.number, people, made_template=source.tenant.templates.get())
    unclear = claimed(other, 1000, state=7)
    claimed(other, 500, state=4, queue=2, sent_at=now())

    sweeping.sweep()

    assert state(unclear) == (Message.State.QUEUED, 0, "")
    assert [state(message) for message in early] == [(Message.State.UNCERTAIN, 1, "")] * 2


def test_without_that_evidence_it_is_given_up_with_its_reason(source: Source) -> None:
    claimed(source, 1100, state=4, queue=2, sent_at=now())
    unclear = claimed(source, 1000, state=7)

    sweeping.sweep()

    assert state(unclear) == (Message.State.UNCERTAIN, 2, "never_confirmed")


def test_before_the_time_to_settle_it_waits_for_its_status(source: Source) -> None:
    unclear = claimed(source, 800, state=7)
    claimed(source, 500, state=4, queue=2, sent_at=now())

    sweeping.sweep()

    assert state(unclear) == (Message.State.UNCERTAIN, 1, "")


def test_time_in_which_nothing_could_be_heard_does_not_count(source: Source, settings: Settings) -> None:
    claimed(source, 1100, state=4, queue=2, sent_at=now())
    unclear = claimed(source, 1000)
    claimed(source, 500, state=4, queue=2, sent_at=now())

    for _ in range(2):
        sweeping.sweep()
    assert state(unclear) == (Message.State.UNCERTAIN, 1, "worker_lost")

    settings.MESSAGING_SETTLE_S = -1
    sweeping.sweep()
    assert state(unclear) == (Message.State.QUEUED, 0, "")


def test_settling_many_reads_their_source_once_and_not_for_each(bakery: Tenant, settings: Settings) -> None:
    settings.MESSAGING_SETTLE_S = 900
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 400))
    with tenant_scope(bakery), connection.cursor() as cursor:
        # As the freeze does: what happens to the messages afterwards, statistics do not know.
        cursor.execute("ANALYZE messaging_message")
        at = now() - timedelta(seconds=1000)
        Message.objects.filter(source=source).update(
            queue=1, consent_seq=1, state=7, attempt=1, claimed_at=at, next_attempt_at=at
        )

    with rows_looked_at(by=sweeping.SETTLE) as looked_at:
        sweeping.sweep()

    assert looked_at[0] < 20 * 400


def end(source: Source, **fields: object) -> None:
    """Its end was an hour ago, and its messages were due before."""
    ended = now() - timedelta(hours=1)
    Source.objects.filter(pk=source.pk).update(**{"expires_at": ended} | fields)
    Message.objects.filter(source=source).update(next_attempt_at=ended - timedelta(hours=1))


def stop(source: Source) -> tuple[str, int | None]:
    source.refresh_from_db()
    return source.state, source.pause_code


def test_what_was_to_be_tried_again_after_the_end_expires(source: Source) -> None:
    end(source)
    Message.objects.filter(source=source).update(next_attempt_at=now() + timedelta(minutes=5))

    sweeping.sweep()

    assert factories.states(source) == {"EXPIRED": 3}
    assert stop(source) == ("open", None)


def test_a_campaign_that_was_held_up_until_its_end_pauses_and_loses_nobody(source: Source) -> None:
    end(source)

    assert sweeping.sweep().held == 1
    assert sweeping.sweep().held == 0

    assert factories.states(source) == {"QUEUED": 3}
    assert stop(source) == ("paused", reasons.OVERDUE_PAUSE)


@pytest.mark.django_db(transaction=True)
def test_a_held_up_campaign_that_somebody_uses_at_the_moment_is_not_emptied_either(bakery: Tenant) -> None:
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 1))
    with tenant_scope(bakery):
        end(source)

    with tenant_scope(bakery), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM messaging_source FOR SHARE")
        sweeper = in_thread(sweeping.sweep)
    sweeper.join()

    assert factories.states(source) == {"QUEUED": 1}


def test_a_paused_campaign_keeps_its_messages_past_its_end(source: Source) -> None:
    end(source, state="paused")

    sweeping.sweep()

    assert factories.states(source) == {"QUEUED": 3}
    assert stop(source) == ("paused", None)


def test_an_uncertain_message_of_a_paused_campaign_goes_back_though_its_end_has_passed(source: Source) -> None:
    unclear = claimed(source, 1000, state=7)
    claimed(source, 500, state=4, queue=2, sent_at=now())
    Source.objects.filter(pk=source.pk).update(state="paused", expires_at=now() - timedelta(seconds=1))

    sweeping.sweep()

    assert state(unclear) == (Message.State.QUEUED, 0, "")


@pytest.mark.parametrize("kind", ["test", "reply"])
@pytest.mark.parametrize("stopped", ["open", "paused"])
def test_a_test_or_reply_expires_and_ends_whatever_held_it_up(source: Source, kind: str, stopped: str) -> None:
    end(source, kind=kind, state=stopped, created_at=now() - timedelta(hours=2))

    sweeping.sweep()

    assert factories.states(source) == {"EXPIRED": 3}
    assert stop(source)[0] == "closed"


def in_thread(job: Callable[[], object]) -> threading.Thread:
    """Start a job on a connection of its own and give it a moment to end, or to wait for a lock."""

    def run() -> None:
        try:
            job()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(1)
    return thread


@pytest.mark.django_db(transaction=True)
def test_a_campaign_cancelled_while_an_uncertain_one_is_queued_again_leaves_nothing_waiting(
    bakery: Tenant, settings: Settings
) -> None:
    settings.MESSAGING_SETTLE_S = 900
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 2))
    with tenant_scope(bakery):
        claimed(source, 1000, state=7)
        claimed(source, 500, state=4, queue=2, sent_at=now())

    def cancel() -> None:
        with tenant_scope(bakery):
            actions.close_source(source=source)

    with across_tenants("this test"):
        assert sweeping.sweep().settled == 1
        cancelling = in_thread(cancel)
    cancelling.join()

    assert factories.states(source) == {"CANCELLED": 1, "SENT": 1}


@pytest.mark.django_db(transaction=True)
def test_a_test_message_that_is_queued_again_meanwhile_keeps_its_source_open(bakery: Tenant) -> None:
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 1))
    with tenant_scope(bakery):
        Source.objects.update(kind="test", created_at=now() - timedelta(minutes=1))
        Message.objects.update(queue=2, state=8)

    with tenant_scope(bakery), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM messaging_source FOR SHARE")
        Message.objects.update(queue=0, state=0)
        sweeper = in_thread(sweeping.sweep)
    sweeper.join()

    with tenant_scope(bakery):
        source.refresh_from_db()
    assert source.state == Source.State.OPEN
