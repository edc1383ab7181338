"""Tags, lists and events of special categories of data (Art. 9 GDPR): of no use without a yes to just that (CG-08)."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import translation
from django.utils.timezone import now

from campaigns import actions as campaign_actions
from campaigns import freezing, preflight, queries
from campaigns.models import Campaign
from consent.actions import controllers
from consent.models import ConsentState
from contacts.actions import change_topics, lists, tags
from contacts.models import Contact, ContactList, Event, Tag
from messaging import claiming
from messaging.budget import Budget
from messaging.models import Message
from messaging.reasons import label
from segments import actions as segment_actions
from segments import asking, compiling
from segments import queries as segments
from segments.rules import parse
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.campaigns.cast import draft, launch, listed, messages, stored
from tests.consent.factories import agree, known, person, stop

SPECIAL = [("whatsapp", "marketing"), ("whatsapp", "special_category")]
Rule = dict[str, Any]


@pytest.fixture
def people(in_bakery: Tenant) -> dict[str, Contact]:
    """Anna agreed to the use of such data, Bert and Carl only to marketing."""
    known(in_bakery, special_attributes=["Schwangerschaftstest gekauft", "Diagnose", "Schwanger", "Schwangere"])
    made = {name: person(in_bakery, first_name=name) for name in ("Anna", "Bert", "Carl")}
    agree(in_bakery, made["Anna"], pairs=SPECIAL)
    agree(in_bakery, made["Bert"])
    agree(in_bakery, made["Carl"])
    return made


def tagged(tenant: Tenant, people: list[Contact]) -> Rule:
    """As an import does, with a tag that nobody has made before."""
    tags.attach(tenant, [(each.pk, "schwanger") for each in people])
    return {"tag": str(Tag.objects.get(name="schwanger").uid), "op": "has"}


def tagged_under_another_name(tenant: Tenant, people: list[Contact]) -> Rule:
    rule = tagged(tenant, people)
    tags.rename_tag(tag=Tag.objects.get(), name="Bald zu dritt", by=None)
    return rule


def on_a_list(tenant: Tenant, people: list[Contact]) -> Rule:
    return {"list": str(listed(tenant, people, "SCHWANGERE").uid), "op": "in"}


def on_a_list_under_another_name(tenant: Tenant, people: list[Contact]) -> Rule:
    chosen = listed(tenant, people, "Schwangere")
    lists.update_list(contact_list=chosen, name="Bald zu dritt", by=None)
    return {"list": str(chosen.uid), "op": "in"}


def did(tenant: Tenant, people: list[Contact]) -> Rule:
    happen(tenant, people, "schwangerschaftstest_gekauft", {})
    return {"event": "schwangerschaftstest_gekauft", "op": "ever"}


def did_with_a_diagnosis(tenant: Tenant, people: list[Contact]) -> Rule:
    happen(tenant, people, "besuch", {"diagnose": "Grippe"})
    return {"event": "besuch", "op": "ever", "where": [{"property": "diagnose", "op": "is", "value": "Grippe"}]}


def happen(tenant: Tenant, people: list[Contact], name: str, properties: dict[str, str]) -> None:
    for each in people:
        Event.objects.create(
            tenant=tenant, contact=each, event_id=str(each.pk), name=name, occurred_at=now(), properties=properties
        )


def joined(tenant: Tenant, people: list[Contact], title: str = "Schwangere", name: str = "Thema 7") -> Rule:
    """A topic that people have joined themselves."""
    topic = lists.create_list(tenant=tenant, name=name, is_topic=True, title_de=title, by=None)
    for each in people:
        change_topics(contact=each, join=[topic], where="own page")
    return {"event": "topic_joined", "op": "ever"}


def joined_by_title(tenant: Tenant, people: list[Contact]) -> Rule:
    return {**joined(tenant, people), "where": [{"property": "topic", "op": "is", "value": "schwangere"}]}


def joined_by_uid(tenant: Tenant, people: list[Contact]) -> Rule:
    rule = joined(tenant, people)
    uid = str(ContactList.objects.get(name="Thema 7").uid)
    return {**rule, "where": [{"property": "list", "op": "in", "value": [uid]}]}


def joined_under_another_title(tenant: Tenant, people: list[Contact]) -> Rule:
    rule = joined_by_uid(tenant, people)
    lists.update_list(contact_list=ContactList.objects.get(name="Thema 7"), title_de="Bald zu dritt", by=None)
    return rule


def on_the_list_of_a_topic(tenant: Tenant, people: list[Contact]) -> Rule:
    joined(tenant, people)
    return {"list": str(ContactList.objects.get(name="Thema 7").uid), "op": "in"}


@pytest.mark.parametrize(
    "told",
    [
        *(tagged, tagged_under_another_name, on_a_list, on_a_list_under_another_name, did, did_with_a_diagnosis),
        *(joined, joined_by_title, joined_by_uid, joined_under_another_title, on_the_list_of_a_topic),
    ],
)
def test_cg_08_tags_lists_and_events_count_only_for_who_has_agreed(
    in_bakery: Tenant, people: dict[str, Contact], told: Callable[[Tenant, list[Contact]], Rule]
) -> None:
    rule = told(in_bakery, [people["Anna"], people["Bert"]])

    assert names(in_bakery, rule) == {"Anna"}
    # Nor does a "not" tell of Bert that he is not like Carl.
    assert names(in_bakery, {"op": "not", "rules": [rule]}) == set()
    opposite = {"has": "has_not", "in": "not_in", "ever": "never"}[rule["op"]]
    assert names(in_bakery, {**rule, "op": opposite}) == set()
    assert segments.preview(in_bakery, rule).count == 1


def test_cg_08_a_topic_that_is_marked_after_people_joined_it_counts_only_for_who_has_agreed(
    in_bakery: Tenant, people: dict[str, Contact]
) -> None:
    rule = joined(in_bakery, [people["Anna"], people["Bert"]], "Babys", "Thema 8")
    assert names(in_bakery, rule) == {"Anna", "Bert"}

    mark(in_bakery, "Babys")

    assert names(in_bakery, rule) == {"Anna"}
    other = {**rule, "where": [{"property": "topic", "op": "is", "value": "Brot"}]}
    assert not asking.is_special(parse(other), in_bakery.pk)


def test_what_nobody_has_marked_counts_for_everybody(in_bakery: Tenant, people: dict[str, Contact]) -> None:
    rule = tagged(in_bakery, [people["Anna"], people["Bert"]])
    mark(in_bakery)

    assert names(in_bakery, rule) == {"Anna", "Bert"}


def names(tenant: Tenant, rule: Rule) -> set[str]:
    holds = compiling.members(rule, tenant_id=tenant.pk)
    found = Contact.objects.raw(f"SELECT * FROM contacts_contact WHERE id IN ({holds.sql})", list(holds.params))
    return {each.first_name for each in found}


def reached(campaign: Campaign) -> dict[int, str]:
    launch(campaign)
    freezing.freeze(campaign.tenant_id, campaign.pk)
    return {message.contact_id or 0: message.reason for message in messages(campaign)}


def warning(campaign: Campaign) -> preflight.Check:
    with translation.override("en"):
        [check] = [each for each in preflight.checks(campaign) if each.code == "warning.special"]
    return check


def test_a_campaign_to_such_a_list_goes_to_who_has_agreed(in_bakery: Tenant, people: dict[str, Contact]) -> None:
    campaign = to_special_list(in_bakery, people)

    check = warning(campaign)

    assert check.ok
    assert check.text.startswith("“Schwangere” tells of special categories")
    assert queries.estimate(campaign).reachable == 1
    assert queries.preview_contacts(campaign) == [people["Anna"]]
    assert reached(campaign) == {people["Anna"].pk: ""}


def test_a_campaign_without_such_a_list_spares_whoever_might_be_on_it(
    in_bakery: Tenant, people: dict[str, Contact]
) -> None:
    dora = person(in_bakery, first_name="Dora")
    agree(in_bakery, dora, pairs=SPECIAL)
    campaign = draft(in_bakery, [*people.values(), dora])
    everybody = campaign.audiences.get().list
    assert everybody
    spared = listed(in_bakery, [people["Anna"], people["Bert"]], "Schwangere")
    campaign_actions.set_audience(campaign=campaign, by=None, include_lists=[everybody], exclude_lists=[spared])

    # Of Bert and Carl nobody may look whether they are on it, so they are treated alike.
    assert "excluded “Schwangere”" in warning(campaign).text
    assert reached(campaign) == {
        people["Anna"].pk: "excluded",
        people["Bert"].pk: "no_special",
        people["Carl"].pk: "no_special",
        dora.pk: "",
    }


def test_whom_another_list_has_chosen_gets_it_without_that_yes(in_bakery: Tenant, people: dict[str, Contact]) -> None:
    everybody = listed(in_bakery, list(people.values()), "Alle")
    campaign = draft(in_bakery, [])
    pregnant = listed(in_bakery, [people["Anna"], people["Bert"]], "Schwangere")
    campaign_actions.set_audience(campaign=campaign, by=None, include_lists=[everybody, pregnant])

    assert set(reached(campaign).values()) == {""}
    assert len(claimed(campaign)) == 3


def test_whoever_takes_back_that_yes_gets_nothing_more_of_a_campaign_that_waits(
    in_bakery: Tenant, people: dict[str, Contact]
) -> None:
    campaign = to_special_list(in_bakery, people)
    assert reached(campaign) == {people["Anna"].pk: ""}

    stop(in_bakery, people["Anna"], purpose="special_category")

    [message] = messages(campaign)
    assert (message.state, message.reason) == (Message.State.CANCELLED, "no_special")
    assert label("no_special") != "no_special"


def test_nor_does_anybody_whose_yes_is_over_when_the_message_is_claimed(
    in_bakery: Tenant, people: dict[str, Contact]
) -> None:
    campaign = to_special_list(in_bakery, people)
    assert reached(campaign) == {people["Anna"].pk: ""}
    ConsentState.objects.filter(purpose="special_category").update(valid_until=now() - timedelta(minutes=1))

    assert claimed(campaign) == []

    [message] = messages(campaign)
    assert (message.state, message.reason) == (Message.State.SKIPPED, "no_special")


def test_what_is_marked_while_a_campaign_waits_counts_at_once(in_bakery: Tenant, people: dict[str, Contact]) -> None:
    mark(in_bakery)
    campaign = to_special_list(in_bakery, people)
    assert reached(campaign) == {people["Anna"].pk: "", people["Bert"].pk: ""}

    mark(in_bakery, "schwangere")

    assert len(claimed(campaign)) == 1
    assert {message.contact_id: message.reason for message in messages(campaign)} == {
        people["Anna"].pk: "",
        people["Bert"].pk: "no_special",
    }


@pytest.mark.django_db(transaction=True)
def test_taking_back_that_yes_waits_for_a_claim_that_came_before_it(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        known(bakery, special_attributes=["Schwangere"])
        made = {name: person(bakery, first_name=name) for name in ("Anna", "Bert", "Carl")}
        agree(bakery, made["Anna"], pairs=SPECIAL)
        campaign = to_special_list(bakery, made)
    reached(campaign)
    committed = threading.Event()

    def withdraw() -> None:
        with tenant_scope(bakery):
            stop(bakery, made["Anna"], purpose="special_category")
        committed.set()
        connection.close()

    writer = threading.Thread(target=withdraw)
    with tenant_scope(bakery):
        assert len(claimed(campaign)) == 1
        writer.start()
        came_through = committed.wait(0.3)
    writer.join()

    assert (came_through, committed.is_set()) == (False, True)


@pytest.mark.parametrize("is_named", [True, False])
def test_having_got_such_a_campaign_tells_the_same_as_the_list(
    in_bakery: Tenant, people: dict[str, Contact], is_named: bool
) -> None:
    mark(in_bakery)
    campaign = to_special_list(in_bakery, people)
    reached(campaign)
    Message.objects.update(accepted_at=now())
    source = stored(campaign).source
    assert source
    rule = {"message": "received", "op": "has", **({"source": str(source.uid)} if is_named else {})}
    assert names(in_bakery, rule) == {"Anna", "Bert"}

    mark(in_bakery, "Schwangere")

    # Who asks for this campaign finds who agreed; who asks for any finds what other campaigns tell.
    assert names(in_bakery, rule) == ({"Anna"} if is_named else set())


def test_a_campaign_to_who_got_such_a_campaign_is_one_itself(in_bakery: Tenant, people: dict[str, Contact]) -> None:
    first = to_special_list(in_bakery, people)
    reached(first)
    Message.objects.update(accepted_at=now())
    source = stored(first).source
    assert source
    rule = {"message": "received", "op": "has", "source": str(source.uid)}
    second = draft(in_bakery, [people["Carl"]])
    segment = segment_actions.create(tenant=in_bakery, name="Noch einmal", rule=rule, by=None)
    campaign_actions.set_audience(campaign=second, by=None, include_segments=[segment])
    assert reached(second) == {people["Anna"].pk: ""}

    stop(in_bakery, people["Anna"], purpose="special_category")

    assert [message.reason for message in messages(second)] == ["no_special"]


def mark(tenant: Tenant, *names: str) -> None:
    """Mark these names as special, and no others."""
    controllers.update(tenant=tenant, by=None, special_attributes=list(names))


def claimed(campaign: Campaign) -> list[claiming.Outgoing]:
    Message.objects.update(next_attempt_at=now() - timedelta(minutes=1))
    number, source_id = campaign.tenant.numbers.get(), stored(campaign).source_id
    assert source_id
    return claiming.claim(number=number, source_id=source_id, most=5, budget=Budget(number))


def to_special_list(tenant: Tenant, people: dict[str, Contact]) -> Campaign:
    campaign = draft(tenant, [people["Carl"]])
    chosen = listed(tenant, [people["Anna"], people["Bert"]], "Schwangere")
    campaign_actions.set_audience(campaign=campaign, by=None, include_lists=[chosen])
    return campaign
