"""The freeze makes one row per person and variant of the audience, however often and by however many it is done."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import InternalError, connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from campaigns import actions, finishing, freezing, tasks
from campaigns.models import Campaign
from messaging.models import Content, Link, Message, Source
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import draft, launch, listed, messages, states, stored
from tests.roles import as_owner

pytestmark = pytest.mark.usefixtures("as_runtime")

SLOW = pytest.mark.django_db(transaction=True)


def at_once(count: int, job: Callable[[], object]) -> list[object]:
    """Run a job in several threads, with a connection each; returns what came out, errors too."""
    results: list[object] = []
    gate = threading.Barrier(count)

    def run() -> None:
        gate.wait()
        try:
            results.append(job())
        except Exception as error:
            results.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def freeze(campaign: Campaign) -> bool:
    return freezing.freeze(campaign.tenant_id, campaign.pk)


def test_audience_is_the_sum_of_states(bakery: Tenant) -> None:
    people = factories.contacts(bakery, 5) + factories.contacts(bakery, 2, consent=False, start=10)
    campaign = launch(draft(bakery, people))
    assert messages(campaign) == []

    freeze(campaign)

    assert states(campaign) == {"QUEUED": 5, "SKIPPED": 2}
    assert [m.contact_id for m in messages(campaign)] == [person.pk for person in people]
    assert stored(campaign).frozen_at


def test_a_larger_audience_takes_no_more_statements(bakery: Tenant) -> None:
    """Consent of everybody in a range (freezing.RANGE people) is asked in the statement that writes the rows."""
    taken = []
    for start, count in ((0, 2), (100, 40)):
        campaign = launch(draft(bakery, factories.contacts(bakery, count, start=start)))
        with CaptureQueriesContext(connection) as asked:
            freeze(campaign)
        assert states(campaign) == {"QUEUED": count}
        taken.append([each["sql"].split()[0] for each in asked])

    assert taken[0] == taken[1]


def test_the_day_of_sending_begins_when_the_audience_is_complete(bakery: Tenant) -> None:
    campaign = launch(draft(bakery, factories.contacts(bakery, 1)))
    assert stored(campaign).sends_until is None

    freeze(campaign)

    assert stored(campaign).sends_until - now() == pytest.approx(timedelta(hours=24), abs=timedelta(minutes=1))


def test_nothing_is_sent_before_the_freeze_is_complete(bakery: Tenant) -> None:
    campaign = launch(draft(bakery, factories.contacts(bakery, 2)))
    assert stored(campaign).source.state == Source.State.PAUSED  # type: ignore[union-attr]

    freeze(campaign)

    assert stored(campaign).source.state == Source.State.OPEN  # type: ignore[union-attr]


def test_who_joins_a_list_after_the_freeze_gets_nothing(bakery: Tenant) -> None:
    campaign = launch(draft(bakery, factories.contacts(bakery, 2)))
    freeze(campaign)
    with tenant_scope(bakery):
        late = factories.contacts(bakery, 1, start=20)
        chosen = campaign.audiences.get().list
        chosen.members.create(tenant=bakery, contact=late[0])  # type: ignore[union-attr]

    assert freeze(campaign) is False
    assert states(campaign) == {"QUEUED": 2}


def test_the_content_is_frozen_with_its_tracked_link(bakery: Tenant) -> None:
    campaign = launch(draft(bakery, factories.contacts(bakery, 1)))
    source_id = stored(campaign).source_id

    with tenant_scope(bakery):
        link = Link.objects.get(source=source_id)
        content = Content.objects.get(source=source_id)
    assert link.url == "https://shop.example/aktion"
    assert content.variables["buttons"][0]["link"] == link.pk


def test_launching_twice_opens_one_source(bakery: Tenant) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 2))
    first = launch(campaign)
    again = launch(campaign)

    assert (again.state, again.source_id) == ("running", first.source_id)
    with tenant_scope(bakery):
        assert Source.objects.filter(kind="campaign").count() == 1


@SLOW
def test_ten_launches_at_once_freeze_once(bakery: Tenant) -> None:
    people = factories.contacts(bakery, 6)
    campaign = draft(bakery, people)

    launched = at_once(10, lambda: launch(campaign).state)
    frozen = at_once(4, lambda: freeze(campaign))

    assert launched == ["running"] * 10
    assert sorted(frozen) == [False, False, False, True]  # type: ignore[type-var]
    assert states(campaign) == {"QUEUED": 6}
    with tenant_scope(bakery):
        assert Source.objects.filter(tenant=bakery, kind="campaign").count() == 1
        assert bakery.audit_events.filter(verb="campaign.launched").count() == 1  # type: ignore[attr-defined]


@SLOW
def test_workers_that_freeze_range_by_range_at_once_give_everyone_one_row(
    bakery: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freezing, "RANGE", 3)
    people = factories.contacts(bakery, 20)
    campaign = launch(draft(bakery, people))

    frozen = at_once(4, lambda: freeze(campaign))

    assert frozen.count(True) == 1
    assert [m.contact_id for m in messages(campaign)] == [person.pk for person in people]


@SLOW
def test_a_freeze_that_dies_between_two_ranges_is_found_and_ended_by_another_worker(
    bakery: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freezing, "RANGE", 3)
    people = factories.contacts(bakery, 10)
    campaign = launch(draft(bakery, people))
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pg_temp.die() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'the worker dies here'; END $$"
        )
        cursor.execute(
            f"CREATE TRIGGER dies BEFORE INSERT ON messaging_message FOR EACH ROW"
            f" WHEN (NEW.contact_id = {people[7].pk}) EXECUTE FUNCTION pg_temp.die()"
        )
    with pytest.raises(InternalError, match="dies here"):
        freeze(campaign)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER dies ON messaging_message")

    assert len(messages(campaign)) == 6
    assert stored(campaign).source.state == Source.State.PAUSED  # type: ignore[union-attr]
    assert finishing.unfrozen() == [(bakery.pk, campaign.pk)]

    tasks.freeze(tenant_id=bakery.pk, campaign_id=campaign.pk)

    assert [m.contact_id for m in messages(campaign)] == [person.pk for person in people]
    assert stored(campaign).source.state == Source.State.OPEN  # type: ignore[union-attr]
    assert finishing.unfrozen() == []


def test_a_range_that_is_frozen_again_adds_nobody(bakery: Tenant) -> None:
    campaign = launch(draft(bakery, factories.contacts(bakery, 5), weights=(50, 50)))
    freeze(campaign)
    before = [(m.pk, m.variant) for m in messages(campaign)]
    with tenant_scope(bakery):
        Campaign.objects.filter(pk=campaign.pk).update(frozen_to=0, frozen_at=None)

    freeze(campaign)

    assert [(m.pk, m.variant) for m in messages(campaign)] == before


def test_variants_are_shared_out_by_weight_and_stay_with_the_person(bakery: Tenant) -> None:
    campaign = launch(draft(bakery, factories.contacts(bakery, 400), weights=(75, 25)))
    freeze(campaign)
    first = {m.contact_id: m.variant for m in messages(campaign)}
    shares = Counter(first.values())
    assert set(shares) == {0, 1}
    # Binomial with n = 400 and p = 1/4: five standard deviations around 100.
    assert 57 <= shares[1] <= 143

    with tenant_scope(bakery):
        Message.objects.filter(source=stored(campaign).source_id).delete()
        Campaign.objects.filter(pk=campaign.pk).update(frozen_to=0, frozen_at=None)
    freeze(campaign)

    assert {m.contact_id: m.variant for m in messages(campaign)} == first


def test_another_campaign_shares_the_same_people_out_anew(bakery: Tenant) -> None:
    people = factories.contacts(bakery, 100)
    shares = []
    for _ in range(2):
        campaign = launch(draft(bakery, people, weights=(1, 1)))
        freeze(campaign)
        shares.append([m.variant for m in messages(campaign)])

    assert shares[0] != shares[1]


def test_a_campaign_cancelled_before_the_freeze_gets_no_rows(bakery: Tenant) -> None:
    campaign = launch(draft(bakery, factories.contacts(bakery, 2)))
    with tenant_scope(bakery):
        actions.cancel(campaign=campaign, by=None)

    assert freeze(campaign) is False
    assert messages(campaign) == []


def test_a_campaign_paused_during_the_freeze_stops_and_goes_on_when_resumed(
    bakery: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = launch(draft(bakery, factories.contacts(bakery, 2)))
    with tenant_scope(bakery):
        actions.pause(campaign=campaign, by=None)
    assert freeze(campaign) is False
    assert messages(campaign) == []

    with tenant_scope(bakery):
        actions.resume(campaign=campaign, by=None)
    assert stored(campaign).source.state == Source.State.PAUSED  # type: ignore[union-attr]
    assert freeze(campaign) is True
    assert states(campaign) == {"QUEUED": 2}


def test_the_next_doors_people_are_never_frozen(bakery: Tenant, shop: Tenant) -> None:
    factories.contacts(shop, 3)
    campaign = draft(bakery, factories.contacts(bakery, 2))
    with tenant_scope(bakery):
        both = [campaign.audiences.get().list, listed(bakery, [], "Leer")]
        actions.set_audience(campaign=campaign, by=None, include_lists=both)  # type: ignore[arg-type]

    freeze(launch(campaign))

    with tenant_scope(shop):
        assert not Message.objects.exists()
    assert freezing.freeze(shop.pk, campaign.pk) is False
