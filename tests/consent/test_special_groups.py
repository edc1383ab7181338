"""Tags, lists and events of special categories of data (Art. 9 GDPR): of no use without a yes to just that (CG-08)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation
from django.utils.timezone import now

from campaigns import actions as campaign_actions
from campaigns import freezing, preflight, queries
from campaigns.models import Campaign
from contacts.actions import tags as tag_actions
from contacts.models import Contact, ContactList, ContactTag, Event, Tag
from messaging import claiming
from messaging.budget import Budget
from messaging.models import Message
from messaging.reasons import label
from segments import compiling
from segments import queries as segments
from tenants.models import Tenant
from tests.campaigns.cast import draft, launch, listed, messages, stored
from tests.consent.factories import agree, known, person, stop

SPECIAL = [("whatsapp", "marketing"), ("whatsapp", "special_category")]
Rule = dict[str, Any]


@pytest.fixture
def people(in_bakery: Tenant) -> dict[str, Contact]:
    """Anna agreed to the use of such data, Bert and Carl only to marketing."""
    known(in_bakery, special_attributes=["Schwangerschaftstest gekauft", "Diagnose"])
    made = {name: person(in_bakery, first_name=name) for name in ("Anna", "Bert", "Carl")}
    agree(in_bakery, made["Anna"], pairs=SPECIAL)
    agree(in_bakery, made["Bert"])
    agree(in_bakery, made["Carl"])
    return made


def tagged(tenant: Tenant, people: list[Contact]) -> Rule:
    tag = Tag.objects.create(tenant=tenant, name="Schwanger", is_special=True)
    ContactTag.objects.bulk_create(ContactTag(tenant=tenant, tag=tag, contact=each) for each in people)
    return {"tag": str(tag.uid), "op": "has"}


def tagged_under_a_marked_name(tenant: Tenant, people: list[Contact]) -> Rule:
    """As an import does with a tag that nobody has made before."""
    tag_actions.attach(tenant, [(each.pk, "diagnose") for each in people])
    return {"tag": str(Tag.objects.get(name="diagnose").uid), "op": "has"}


def on_a_list(tenant: Tenant, people: list[Contact]) -> Rule:
    chosen = special_list(tenant, people)
    return {"list": str(chosen.uid), "op": "in"}


def did(tenant: Tenant, people: list[Contact]) -> Rule:
    happen(tenant, people, "schwangerschaftstest_gekauft", {})
    return {"event": "schwangerschaftstest_gekauft", "op": "ever"}


def did_with_a_diagnosis(tenant: Tenant, people: list[Contact]) -> Rule:
    happen(tenant, people, "besuch", {"diagnose": "Grippe"})
    return {"event": "besuch", "op": "ever", "where": [{"property": "diagnose", "op": "is", "value": "Grippe"}]}


def special_list(tenant: Tenant, people: list[Contact], name: str = "Schwangere") -> ContactList:
    chosen = listed(tenant, people, name)
    chosen.is_special = True
    chosen.save()
    return chosen


def happen(tenant: Tenant, people: list[Contact], name: str, properties: dict[str, str]) -> None:
    for each in people:
        Event.objects.create(
            tenant=tenant, contact=each, event_id=str(each.pk), name=name, occurred_at=now(), properties=properties
        )


@pytest.mark.parametrize("told", [tagged, tagged_under_a_marked_name, on_a_list, did, did_with_a_diagnosis])
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


def test_what_nobody_has_marked_counts_for_everybody(in_bakery: Tenant, people: dict[str, Contact]) -> None:
    rule = tagged(in_bakery, [people["Anna"], people["Bert"]])
    Tag.objects.update(is_special=False)

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
    spared = special_list(in_bakery, [people["Anna"], people["Bert"]])
    campaign_actions.set_audience(campaign=campaign, by=None, include_lists=[everybody], exclude_lists=[spared])

    # Of Bert and Carl nobody may look whether they are on it, so they are treated alike.
    assert "excluded “Schwangere”" in warning(campaign).text
    excluded = {people[name].pk: "excluded" for name in ("Anna", "Bert", "Carl")}
    assert reached(campaign) == {**excluded, dora.pk: ""}


def test_whoever_takes_back_that_yes_gets_nothing_more_of_a_campaign_that_runs(
    in_bakery: Tenant, people: dict[str, Contact]
) -> None:
    campaign = to_special_list(in_bakery, people)
    assert reached(campaign) == {people["Anna"].pk: ""}
    stop(in_bakery, people["Anna"], purpose="special_category")
    Message.objects.update(next_attempt_at=now() - timedelta(minutes=1))
    number, source_id = in_bakery.numbers.get(), stored(campaign).source_id
    assert source_id

    assert claiming.claim(number=number, source_id=source_id, most=5, budget=Budget(number)) == []

    [message] = messages(campaign)
    assert (message.state, message.reason) == (Message.State.SKIPPED, "no_special")
    assert label("no_special") != "no_special"


def test_having_got_such_a_campaign_tells_the_same_as_the_list(in_bakery: Tenant, people: dict[str, Contact]) -> None:
    campaign = to_special_list(in_bakery, people)
    reached(campaign)
    Message.objects.update(accepted_at=now())
    source = stored(campaign).source
    assert source
    rule = {"message": "received", "op": "has", "source": str(source.uid)}
    assert names(in_bakery, rule) == {"Anna"}

    stop(in_bakery, people["Anna"], purpose="special_category")

    assert names(in_bakery, rule) == set()


def to_special_list(tenant: Tenant, people: dict[str, Contact]) -> Campaign:
    campaign = draft(tenant, [people["Carl"]])
    chosen = special_list(tenant, [people["Anna"], people["Bert"]])
    campaign_actions.set_audience(campaign=campaign, by=None, include_lists=[chosen])
    return campaign
