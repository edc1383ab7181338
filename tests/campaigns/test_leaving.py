"""Whoever leaves a topic gets nothing more of a campaign to it, also when its audience is frozen (decision 0018)."""

from typing import Any

import pytest
from django.test import Client

from campaigns import actions, freezing
from campaigns.models import Campaign
from consent.actions import topics
from contacts.models import Contact, ContactList, Event, ListMember
from messaging import reasons
from messaging.models import Message
from segments import actions as segments
from segments.models import Segment
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import draft, launch, listed, messages, stored
from tests.consent.test_meeting import ended, meanwhile
from tests.consent.test_topics import choose, on, topic

pytestmark = pytest.mark.usefixtures("as_runtime")

SLOW = pytest.mark.django_db(transaction=True)
GONE = (Message.State.CANCELLED, Message.Queue.OUT, "topic_left")
WAITS = (Message.State.QUEUED, Message.Queue.WAITING, "")


@pytest.fixture
def people(bakery: Tenant) -> list[Contact]:
    """Ada and Bea."""
    return factories.contacts(bakery, 2)


@pytest.fixture
def news(bakery: Tenant, people: list[Contact]) -> ContactList:
    """A topic that both have joined."""
    made = topic(bakery, "intern-neu", "Neuheiten")
    with tenant_scope(bakery):
        ListMember.objects.bulk_create(ListMember(tenant=bakery, list=made, contact=person) for person in people)
    return made


def to(bakery: Tenant, *lists: ContactList, **audience: Any) -> Campaign:
    """A launched campaign to these lists; the freeze is left to the test."""
    campaign = draft(bakery, [])
    with tenant_scope(bakery):
        actions.set_audience(campaign=campaign, by=None, include_lists=lists, **audience)
    return launch(campaign)


def frozen(campaign: Campaign) -> Campaign:
    freezing.freeze(campaign.tenant_id, campaign.pk)
    return campaign


def fates(campaign: Campaign) -> list[tuple[int, int, str]]:
    """What became of each message, in the order of the people."""
    return [(message.state, message.queue, message.reason) for message in messages(campaign)]


def test_r_34_who_leaves_a_topic_gets_nothing_more_of_a_campaign_to_it_and_the_others_do(
    client: Client, bakery: Tenant, people: list[Contact], news: ContactList
) -> None:
    running, paused = frozen(to(bakery, news)), frozen(to(bakery, news))
    with tenant_scope(bakery):
        actions.pause(campaign=stored(paused), by=None)

    choose(client, people[1])

    assert fates(running) == fates(paused) == [WAITS, GONE]
    assert reasons.label("topic_left") == "Hat das Thema abgewählt"


def test_what_was_sent_before_and_campaigns_to_others_stay(
    client: Client, bakery: Tenant, people: list[Contact], news: ContactList
) -> None:
    customers = listed(bakery, people)
    sent, other = frozen(to(bakery, news)), frozen(to(bakery, customers))
    with tenant_scope(bakery):
        Message.objects.filter(source=stored(sent).source_id).update(state=Message.State.DELIVERED, queue=2)
        # What the team changes about a list after the freeze is another matter.
        ListMember.objects.filter(list=customers).delete()

    choose(client, people[1])

    assert fates(sent) == [(Message.State.DELIVERED, Message.Queue.OUT, "")] * 2
    assert fates(other) == [WAITS, WAITS]


def test_who_is_on_another_list_of_the_campaign_gets_it_until_they_have_left_that_too(
    client: Client, bakery: Tenant, people: list[Contact], news: ContactList
) -> None:
    green = topic(bakery, "intern-öko", "Nachhaltigkeit")
    choose(client, people[0], news, green)
    campaign = frozen(to(bakery, news, green))

    choose(client, people[0], green)
    assert fates(campaign) == [WAITS, WAITS]

    choose(client, people[0])
    assert fates(campaign) == [GONE, WAITS]


def test_who_changes_from_one_topic_of_the_campaign_to_another_gets_it(
    client: Client, bakery: Tenant, people: list[Contact], news: ContactList
) -> None:
    green = topic(bakery, "intern-öko", "Nachhaltigkeit")
    campaign = frozen(to(bakery, news, green))

    choose(client, people[1], green)

    assert fates(campaign) == [WAITS, WAITS]


def test_a_segment_that_asks_for_the_topic_is_one_to_it(
    client: Client, bakery: Tenant, people: list[Contact], news: ContactList
) -> None:
    with tenant_scope(bakery):
        on = segments.create(tenant=bakery, name="Neu", rule={"list": str(news.uid), "op": "in"}, by=None)
        off = segments.create(tenant=bakery, name="Alt", rule={"list": str(news.uid), "op": "not_in"}, by=None)
    campaign, both = frozen(to(bakery, include_segments=[on])), frozen(to(bakery, include_segments=[on, off]))

    choose(client, people[1])

    assert fates(campaign) == [WAITS, GONE]
    assert fates(both) == [WAITS, WAITS]


def test_a_segment_that_nobody_can_read_any_more_keeps_nobody_on_a_topic(
    client: Client, bakery: Tenant, people: list[Contact], news: ContactList
) -> None:
    with tenant_scope(bakery):
        lost = segments.create(tenant=bakery, name="Neu", rule={"list": str(news.uid), "op": "in"}, by=None)
    campaign = frozen(to(bakery, news, include_segments=[lost]))
    with tenant_scope(bakery):
        Segment.objects.update(rule={"op": "of an older release"})

    choose(client, people[1])

    assert fates(campaign) == [WAITS, GONE]


@SLOW
def test_who_leaves_a_topic_while_another_click_joins_it_has_left(bakery: Tenant) -> None:
    made = topic(bakery, "intern-öko", "Nachhaltigkeit")
    [ada] = factories.contacts(bakery, 1)
    with tenant_scope(bakery):
        topics.choose(ada, [str(made.uid)])
        others = meanwhile(bakery, lambda: topics.choose(ada, []))
    ended(others)

    assert on(ada) == []


def test_another_companys_campaigns_and_people_are_untouched(
    client: Client, bakery: Tenant, shop: Tenant, people: list[Contact], news: ContactList
) -> None:
    theirs = topic(shop, "intern-neu", "Neuheiten")
    [carl] = factories.contacts(shop, 1, start=50)
    with tenant_scope(shop):
        ListMember.objects.create(tenant=shop, list=theirs, contact=carl)
    campaign = frozen(to(shop, theirs))

    choose(client, people[1])

    assert fates(campaign) == [WAITS]


@SLOW
def test_who_leaves_while_the_audience_is_being_written_gets_nothing(
    bakery: Tenant, people: list[Contact], news: ContactList
) -> None:
    campaign = to(bakery, news)
    with tenant_scope(bakery):
        assert not freezing._freeze_range(stored(campaign))
        # The rows are written and nobody else can see them yet; the person does not wait for that.
        [leaving] = meanwhile(bakery, lambda: topics.choose(people[1], []))
        assert not leaving.is_alive()
    ended([leaving])

    assert fates(frozen(campaign)) == [WAITS, GONE]


@SLOW
def test_an_audience_is_not_opened_before_who_is_leaving_has_left(
    bakery: Tenant, people: list[Contact], news: ContactList
) -> None:
    campaign = to(bakery, news)
    with tenant_scope(bakery):
        topics.choose(people[1], [])
        others = meanwhile(bakery, lambda: frozen(campaign))
    ended(others)

    assert fates(campaign) == [WAITS, GONE]


@SLOW
def test_who_left_long_ago_and_came_back_gets_it(bakery: Tenant, people: list[Contact], news: ContactList) -> None:
    with tenant_scope(bakery):
        topics.choose(people[1], [])
        topics.choose(people[1], [str(news.uid)])
        assert Event.objects.filter(name=Event.TOPIC_LEFT).count() == 1

    assert fates(frozen(to(bakery, news))) == [WAITS, WAITS]
