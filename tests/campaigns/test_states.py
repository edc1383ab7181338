"""Pausing, resuming, cancelling and finishing: at any moment, once, and with the reason when it cannot be."""

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection, connections
from django.db.models import F
from django.utils.timezone import now

from campaigns import actions, finishing, freezing, tasks
from campaigns.models import Campaign
from messaging import queries as outbox
from messaging import sweeping
from messaging.models import Message, Source
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import draft, launch, messages, states, stored
from tests.contacts.calls import Caller
from whatsapp import actions as whatsapp
from whatsapp.pausing import pause_account

STEPS = ("launch", "pause", "resume", "cancel", "unschedule", "schedule", "delete")


@pytest.fixture
def running(bakery: Tenant) -> Campaign:
    """A frozen campaign to four people, of whom nobody got it yet."""
    campaign = launch(draft(bakery, factories.contacts(bakery, 4)))
    freezing.freeze(bakery.pk, campaign.pk)
    return stored(campaign)


def do(api: Caller, campaign: Campaign, step: str) -> int:
    if step == "delete":
        return int(api.delete(f"campaigns/{campaign.uid}/").status_code)
    sent = {"local_time": "2030-01-01T10:00:00"} if step == "schedule" else None
    answer = api.post(f"campaigns/{campaign.uid}/{step}/", sent)
    if answer.status_code >= 400:
        assert answer.json()["detail"], answer.json()
    return int(answer.status_code)


def settle(campaign: Campaign, count: int, **fields: object) -> None:
    """Bring some of its waiting messages to another state, as a sender would."""
    with tenant_scope(campaign.tenant_id):
        ids = Message.objects.filter(source=campaign.source_id, queue=0).values_list("pk", flat=True)[:count]
        Message.objects.filter(pk__in=list(ids)).update(**fields)


def audited(campaign: Campaign) -> list[str]:
    with tenant_scope(campaign.tenant_id):
        events = AuditEvent.objects.filter(object_uid=str(campaign.uid)).order_by("id")
        return [verb.removeprefix("campaign.") for verb in events.values_list("verb", flat=True)]


def test_pausing_stops_the_source_and_resuming_opens_it(api: Caller, running: Campaign) -> None:
    assert do(api, running, "pause") == 200
    assert (stored(running).state, stored(running).source.state) == ("paused", "paused")  # type: ignore[union-attr]

    assert do(api, running, "resume") == 200
    assert (stored(running).state, stored(running).source.state) == ("running", "open")  # type: ignore[union-attr]


def days_pass(campaign: Campaign, days: int) -> None:
    """Put the campaign's end and its messages so many days back."""
    source_id, past = stored(campaign).source_id, timedelta(days=days)
    with tenant_scope(campaign.tenant_id):
        Source.objects.filter(pk=source_id).update(expires_at=F("expires_at") - past)
        Message.objects.filter(source=source_id).update(next_attempt_at=F("next_attempt_at") - past)
    sweeping.sweep()
    finishing.finish_done()


def sends_until(api: Caller, campaign: Campaign) -> datetime | None:
    told = api.get(f"campaigns/{campaign.uid}/").json()["sends_until"]
    assert told == api.get(f"campaigns/{campaign.uid}/report/").json()["sends_until"]
    return datetime.fromisoformat(told) if told else None


def a_day_from_now(moment: datetime | None) -> bool:
    return moment is not None and abs(moment - now() - timedelta(hours=24)) < timedelta(minutes=1)


def test_a_pause_over_the_weekend_loses_nobody_and_resuming_gives_another_day(api: Caller, running: Campaign) -> None:
    assert a_day_from_now(sends_until(api, running))
    do(api, running, "pause")
    assert sends_until(api, running) is None

    days_pass(running, 3)
    assert (stored(running).state, states(running)) == ("paused", {"QUEUED": 4})
    do(api, running, "resume")

    assert a_day_from_now(sends_until(api, running))
    sweeping.sweep()
    assert (stored(running).state, states(running)) == ("running", {"QUEUED": 4})


def test_an_account_stopped_over_the_weekend_loses_nobody_and_sends_nothing_late_unasked(
    api: Caller, running: Campaign
) -> None:
    with tenant_scope(running.tenant_id):
        pause_account(running.number.account, 190)
    days_pass(running, 3)
    with tenant_scope(running.tenant_id):
        whatsapp.resume_account(account=running.number.account, by=None)

    assert (stored(running).state, states(running)) == ("paused", {"QUEUED": 4})
    assert outbox.numbers_with_due_messages() == []
    waiting = api.get(f"campaigns/{running.uid}/report/").json()["waiting"]
    assert waiting["kind"] == "campaign"
    assert waiting["text"].startswith("Messages were still waiting")

    do(api, running, "resume")
    assert outbox.numbers_with_due_messages() == [running.number]
    assert a_day_from_now(sends_until(api, running))


def test_a_campaign_paused_while_its_audience_was_chosen_gets_its_whole_day(api: Caller, bakery: Tenant) -> None:
    campaign = launch(draft(bakery, factories.contacts(bakery, 1)))
    do(api, campaign, "pause")
    do(api, campaign, "resume")

    freezing.freeze(bakery.pk, campaign.pk)

    assert a_day_from_now(sends_until(api, campaign))


def test_pressing_twice_does_it_once(api: Caller, running: Campaign) -> None:
    for step in ("pause", "resume", "pause", "cancel"):
        assert [do(api, running, step), do(api, running, step)] == [200, 200]

    assert audited(running)[-4:] == ["paused", "resumed", "paused", "cancelled"]


def test_cancelling_cancels_what_waits_and_nothing_else(api: Caller, running: Campaign) -> None:
    settle(running, 1, state=Message.State.DELIVERED, queue=2, accepted_at=now())
    settle(running, 1, state=Message.State.CLAIMED, queue=1, consent_seq=1, claimed_at=now())

    do(api, running, "cancel")

    assert states(running) == {"DELIVERED": 1, "CLAIMED": 1, "CANCELLED": 2}
    assert {m.reason for m in messages(running) if m.state == Message.State.CANCELLED} == {"campaign_cancelled"}
    assert stored(running).source.state == Source.State.CLOSED  # type: ignore[union-attr]
    assert stored(running).finished_at


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ([], {"launch", "cancel", "unschedule", "schedule", "delete"}),
        (["schedule"], {"launch", "cancel", "unschedule", "schedule"}),
        (["launch"], {"launch", "pause", "resume", "cancel", "unschedule"}),
        (["launch", "pause"], {"launch", "pause", "resume", "cancel", "unschedule"}),
        (["launch", "cancel"], {"cancel", "unschedule"}),
        (["cancel"], {"cancel", "unschedule"}),
    ],
)
@pytest.mark.parametrize("step", STEPS)
def test_what_the_state_does_not_allow_is_a_conflict_and_changes_nothing(
    api: Caller, bakery: Tenant, path: list[str], allowed: set[str], step: str
) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 1))
    for before in path:
        assert do(api, campaign, before) == 200
    state = stored(campaign).state

    status = do(api, campaign, step)

    if step in allowed:
        assert status in (200, 204)
    else:
        assert status == 409
        assert stored(campaign).state == state


def test_a_cancelled_draft_is_never_sent(api: Caller, bakery: Tenant) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 1))
    do(api, campaign, "schedule")
    do(api, campaign, "cancel")

    tasks.launch_due()

    assert (stored(campaign).state, stored(campaign).due_at, states(campaign)) == ("cancelled", None, {})


@pytest.mark.parametrize(
    "left",
    [
        {},
        {"state": Message.State.CLAIMED, "queue": 1, "consent_seq": 1},
        {"state": Message.State.UNCERTAIN, "queue": 1, "consent_seq": 1},
    ],
)
def test_a_campaign_is_not_finished_while_one_message_is_left(running: Campaign, left: dict[str, int]) -> None:
    settle(running, 3, state=Message.State.ACCEPTED, queue=2, accepted_at=now())
    settle(running, 1, **left) if left else None

    assert finishing.finish_done() == 0
    assert stored(running).state == "running"


def test_a_campaign_is_finished_when_every_message_has_its_outcome(running: Campaign) -> None:
    settle(running, 1, state=Message.State.ACCEPTED, queue=2, accepted_at=now())
    settle(running, 1, state=Message.State.FAILED, queue=2)
    settle(running, 1, state=Message.State.UNCERTAIN, queue=2)
    settle(running, 1, state=Message.State.SKIPPED, queue=2)

    tasks.finish_done()

    finished = stored(running)
    assert (finished.state, finished.source.state) == ("finished", "closed")  # type: ignore[union-attr]
    assert finished.finished_at
    assert finishing.finish_done() == 0


def test_an_unfrozen_campaign_without_messages_is_not_finished(bakery: Tenant) -> None:
    campaign = launch(draft(bakery, factories.contacts(bakery, 1)))

    assert finishing.finish_done() == 0
    assert stored(campaign).state == "running"


def test_a_paused_campaign_is_not_finished(api: Caller, running: Campaign) -> None:
    do(api, running, "pause")
    settle(running, 4, state=Message.State.ACCEPTED, queue=2)

    finishing.finish_done()
    assert stored(running).state == "paused"

    do(api, running, "resume")
    finishing.finish_done()
    assert stored(running).state == "finished"


def test_a_finished_campaign_can_only_be_copied(api: Caller, running: Campaign) -> None:
    settle(running, 4, state=Message.State.ACCEPTED, queue=2)
    finishing.finish_done()

    for step in ("launch", "pause", "resume", "cancel", "schedule", "delete"):
        assert do(api, running, step) == 409
    assert do(api, running, "duplicate") == 201


def test_a_source_that_metas_error_paused_shows_as_a_paused_campaign(api: Caller, running: Campaign) -> None:
    with tenant_scope(running.tenant_id):
        Source.objects.filter(pk=running.source_id).update(state="paused", pause_code=132015)

    finishing.finish_done()
    assert stored(running).state == "paused"

    do(api, running, "resume")
    source = stored(running).source
    assert (stored(running).state, source.state, source.pause_code) == ("running", "open", None)  # type: ignore[union-attr]


def test_campaigns_of_every_tenant_are_finished(running: Campaign, shop: Tenant) -> None:
    other = launch(draft(shop, factories.contacts(shop, 1)))
    freezing.freeze(shop.pk, other.pk)
    settle(running, 4, state=Message.State.ACCEPTED, queue=2)
    settle(stored(other), 1, state=Message.State.ACCEPTED, queue=2)

    assert finishing.finish_done() == 2
    assert (stored(running).state, stored(other).state) == ("finished", "finished")


def test_who_pressed_the_button_is_on_record(bakery: Tenant) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 1))
    with tenant_scope(bakery):
        alice = bakery.memberships.get().user  # type: ignore[attr-defined]
        actions.launch(campaign=campaign, by=alice)
        event = AuditEvent.objects.get(verb="campaign.launched")

    assert (event.user_id, event.object_name, event.changes) == (alice.pk, "Frühling", {})


@pytest.mark.django_db(transaction=True)
def test_a_campaign_whose_message_is_queued_again_meanwhile_is_not_finished(running: Campaign) -> None:
    settle(running, 4, queue=2, state=8)

    def finish() -> None:
        try:
            finishing.finish_done()
        finally:
            connections.close_all()

    finisher = threading.Thread(target=finish)
    with tenant_scope(running.tenant_id), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM messaging_source WHERE id = %s FOR SHARE", [running.source_id])
        Message.objects.filter(source=running.source_id).update(queue=0, state=0)
        finisher.start()
        finisher.join(1)
    finisher.join()

    assert stored(running).state == "running"
    assert stored(running).source.state == "open"  # type: ignore[union-attr]
