"""After a backup was put back nothing goes out by itself: whoever was sent it since would get it a second time."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils.timezone import now

from campaigns import actions, finishing, freezing, tasks
from campaigns.models import Campaign
from messaging import actions as outbox
from messaging import queries, reasons, sweeping
from messaging.models import Message, Source
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.scope import across_tenants, tenant_scope
from tests import factories
from tests.campaigns.cast import come_due, draft, launch, messages, states, stored
from tests.contacts.calls import Caller

pytestmark = pytest.mark.usefixtures("as_runtime")


@pytest.fixture
def running(bakery: Tenant) -> Campaign:
    """Frozen; two people wait for it."""
    campaign = launch(draft(bakery, factories.contacts(bakery, 2)))
    freezing.freeze(bakery.pk, campaign.pk)
    return stored(campaign)


@pytest.fixture
def unfrozen(bakery: Tenant) -> Campaign:
    """Launched; its audience is not chosen yet."""
    return launch(draft(bakery, factories.contacts(bakery, 2, start=100)))


@pytest.fixture
def due(bakery: Tenant) -> Campaign:
    """Its time has come, and nobody has started it in this database."""
    campaign = draft(bakery, factories.contacts(bakery, 2, start=200))
    come_due(campaign, state=Campaign.State.SCHEDULED)
    return campaign


def restored() -> str:
    """What the operator calls first."""
    told = StringIO()
    call_command("pause_after_restore", stdout=told)
    return told.getvalue().strip()


def beat_rings() -> list[int]:
    """Everything that moves campaigns and messages by itself; returns the ids of numbers that would send."""
    tasks.launch_due()
    for tenant_id, campaign_id in finishing.unfrozen():
        freezing.freeze(tenant_id, campaign_id)
    sweeping.sweep()
    finishing.finish_done()
    with across_tenants("all that waits is due: within a test's transaction no time passes"):
        Message.objects.filter(queue=Message.Queue.WAITING).update(next_attempt_at=now() - timedelta(hours=2))
    return [number.pk for number in queries.numbers_with_due_messages()]


def audited(campaign: Campaign) -> list[str]:
    with tenant_scope(campaign.tenant_id):
        events = AuditEvent.objects.filter(object_uid=str(campaign.uid)).order_by("id")
        return [verb.removeprefix("campaign.") for verb in events.values_list("verb", flat=True)]


def test_what_a_backup_brings_back_is_sent_by_nobody_but_a_person(
    api: Caller, running: Campaign, unfrozen: Campaign, due: Campaign
) -> None:
    assert restored() == (
        "1 scheduled campaigns are drafts again, 2 running ones are paused, 0 that were paused say why;"
        " 0 tests and answers will not be sent."
    )

    assert beat_rings() == []
    assert [stored(each).state for each in (running, unfrozen, due)] == ["paused", "paused", "draft"]
    assert stored(due).due_at is None
    assert states(running) == {"QUEUED": 2}

    for each in (running, unfrozen):
        assert api.post(f"campaigns/{each.uid}/resume/").status_code == 200
    assert beat_rings() == [running.number_id]
    assert states(unfrozen) == {"QUEUED": 2}


def test_without_it_everything_would_go_out_again(running: Campaign, unfrozen: Campaign, due: Campaign) -> None:
    assert beat_rings() == [running.number_id]
    assert [stored(each).state for each in (running, unfrozen, due)] == ["running"] * 3


def test_every_company_is_stopped_once_and_has_it_on_record(
    running: Campaign, unfrozen: Campaign, due: Campaign, shop: Tenant
) -> None:
    other = launch(draft(shop, factories.contacts(shop, 1)))
    restored()

    assert restored().startswith("0 scheduled campaigns are drafts again, 0 running ones are paused, 0 that were")
    for each in (running, unfrozen, due, other):
        assert audited(each).count("held_after_restore") == 1
        assert audited(each)[-1] == "held_after_restore"
    assert stored(other).state == "paused"


def test_who_resumes_what_was_paused_before_the_backup_knows_that_it_may_have_been_sent_since(
    api: Caller, running: Campaign
) -> None:
    api.post(f"campaigns/{running.uid}/pause/")
    with tenant_scope(running.tenant_id):
        Source.objects.filter(pk=running.source_id).update(pause_code=132015)

    assert "1 that were paused say why" in restored()

    assert stored(running).source.pause_code == reasons.RESTORED_PAUSE  # type: ignore[union-attr]
    waiting = api.get(f"campaigns/{running.uid}/report/").json()["waiting"]
    assert waiting["text"].startswith("All data come from a backup")
    assert "would get it again" in waiting["remedy"]


def test_the_reason_goes_when_somebody_resumes_also_while_the_audience_is_chosen(
    api: Caller, running: Campaign, unfrozen: Campaign
) -> None:
    restored()
    for each in (running, unfrozen):
        assert api.get(f"campaigns/{each.uid}/report/").json()["waiting"]["kind"] == "campaign"

        api.post(f"campaigns/{each.uid}/resume/")

        assert api.get(f"campaigns/{each.uid}/report/").json()["waiting"] is None


def test_a_draft_that_lost_its_time_says_so_until_somebody_acts(
    client: Client, bakery_made: NewTenant, api: Caller, due: Campaign
) -> None:
    client.force_login(bakery_made.owner)
    restored()

    told, pages = stored(due).problem, "/bakery/campaigns/"
    assert told
    for page in (pages, f"{pages}{due.uid}/edit/audience/", f"{pages}{due.uid}/edit/review/"):
        assert told in client.get(page).content.decode(), page
    assert api.get(f"campaigns/{due.uid}/").json()["problem"] == told

    with tenant_scope(bakery_made.tenant):
        actions.update(campaign=stored(due), by=None, name="Sommer")
    assert told not in client.get(f"{pages}{due.uid}/edit/review/").content.decode()


def test_tests_and_answers_that_waited_are_not_sent_and_expire(bakery: Tenant, running: Campaign) -> None:
    with tenant_scope(bakery):
        person = messages(running)[0].contact
        number = running.number
        reply = outbox.queue_reply(
            tenant=bakery,
            number=number,
            contact=person,
            text="Danke",
            dedupe="x",
            expires_at=now() + timedelta(hours=1),
        )
    assert reply is not None

    assert restored().endswith("1 tests and answers will not be sent.")

    assert beat_rings() == []
    with tenant_scope(bakery):
        Source.objects.filter(pk=reply.source_id).update(
            expires_at=now() - timedelta(hours=1), created_at=now() - timedelta(hours=2)
        )
    beat_rings()
    with tenant_scope(bakery):
        reply.refresh_from_db()
        assert reply.state == Message.State.EXPIRED
        assert Source.objects.get(pk=reply.source_id).state == Source.State.CLOSED


def test_what_was_being_sent_at_the_time_of_the_backup_waits_with_its_campaign(running: Campaign) -> None:
    with tenant_scope(running.tenant_id):
        past = {"consent_seq": 1, "attempt": 1, "claimed_at": now() - timedelta(days=1)}
        ids = [message.pk for message in messages(running)]
        Message.objects.filter(pk=ids[0]).update(state=Message.State.CLAIMED, queue=1, **past)
        Message.objects.filter(pk=ids[1]).update(
            state=Message.State.UNCERTAIN, queue=1, next_attempt_at=now() - timedelta(days=1), **past
        )
    restored()

    assert beat_rings() == []
    assert stored(running).state == "paused"
