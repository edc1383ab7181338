"""The short form of `make chaos`: a few faults through real processes, small; what is wrong decides, never a timing."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from benchmarks.chaos import Counts, broker, campaign, counting, database, doubled, launches, poison, webhooks
from campaigns.models import Campaign
from messaging.models import Message
from tenants.scope import tenant_scope
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("with_own_redis")]


@pytest.mark.parametrize(
    ("fault", "people", "poisoned"),
    [
        pytest.param(partial(broker.lost, away_s=1, seen_s=0), 150, 0, id="redis flushed, restarted, gone"),
        pytest.param(partial(doubled.beats, trouble={}), 150, 0, id="two of every kind"),
        pytest.param(poison.messages, 150, 8, id="poison"),
        pytest.param(poison.flood, 60, 0, id="a flood of forged webhooks"),
        pytest.param(launches.at_once, 60, 0, id="fifty launches at once"),
        pytest.param(webhooks.shuffled, 100, 0, id="statuses three times and shuffled"),
        pytest.param(partial(database.away, away_s=0), 100, 0, id="PostgreSQL restarted twice"),
    ],
)
def test_nobody_twice_nobody_lost_nothing_forged_nothing_unsettled(
    fault: Callable[[Path, int], Counts], people: int, poisoned: int, tmp_path: Path
) -> None:
    found = fault(tmp_path, people)

    assert found.verdict == "twice=0 lost=0 forged=0 unsettled=0", found
    assert not found.wrong, found
    assert found.accepted >= people - poisoned, found


def test_whom_the_ledger_does_not_know_was_not_reached_unless_excused() -> None:
    three = campaign.prepared(3, 10)
    ledger = [{"recipient": "4915100000001"}, {"recipient": "4915100000002"}]

    assert counting.of_campaign(three, 3, ledger).wrong == ("1 people were not reached",)
    assert not counting.of_campaign(three, 3, ledger, excused=1).wrong


def whose_rows_say(*states: Message.State) -> tuple[Campaign, list[dict[str, str]]]:
    """A campaign to as many people, whose messages are out and in these states, and the ledger that has them all."""
    made = campaign.prepared(len(states), 10)
    with tenant_scope(made.tenant_id):
        people = list(made.tenant.contacts.order_by("pk"))
        template = made.tenant.templates.get()
        made.source = factories.source(campaign.number_of(made), people, made_template=template)
        made.save()
        for person, state in zip(people, states, strict=True):
            Message.objects.filter(tenant=made.tenant, contact=person).update(state=state, queue=Message.Queue.OUT)
    return made, [{"recipient": str(person.phone).lstrip("+")} for person in people]


def test_who_is_accepted_is_lost_until_the_row_says_what_meta_told() -> None:
    state = Message.State
    three, ledger = whose_rows_say(state.READ, state.SENT, state.FAILED)

    assert counting.of_campaign(three, 3, ledger).lost == 2
    assert counting.of_campaign(three, 3, ledger, ends={state.READ, state.SENT, state.FAILED}).lost == 0


def test_a_misdeed_that_meta_was_to_do_and_did_not_counts_zero() -> None:
    behaviour = {"hangs": 0.1, "slow": 0.0, "hang_s": 4.0, "refused": {"130429": 0.1}}

    assert counting.misdeeds(behaviour, {"answered_hang": 2, "answered_slow": 3}) == {"hangs": 2, "refused 130429": 0}


def test_a_gap_is_seen_from_the_fault_on_wherever_it_lies() -> None:
    ledger = [{"at": at} for at in (1.0, 10.1, 10.2, 17.2, 17.3)]

    assert counting.longest_gap(ledger, 10.0, 18.0) == pytest.approx(7.0)
    assert counting.longest_gap(ledger, 10.0, 30.0) == pytest.approx(12.7)
    assert counting.longest_gap(ledger, 3.0, 10.15) == pytest.approx(7.1)
