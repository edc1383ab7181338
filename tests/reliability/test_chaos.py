"""The short form of `make chaos`: a few faults through real processes, small; what is wrong decides, never a timing."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from benchmarks.chaos import Counts, broker, campaign, counting, database, doubled, launches, poison, webhooks

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


def test_a_gap_is_seen_from_the_fault_on_wherever_it_lies() -> None:
    ledger = [{"at": at} for at in (1.0, 10.1, 10.2, 17.2, 17.3)]

    assert counting.longest_gap(ledger, 10.0, 18.0) == pytest.approx(7.0)
    assert counting.longest_gap(ledger, 10.0, 30.0) == pytest.approx(12.7)
    assert counting.longest_gap(ledger, 3.0, 10.15) == pytest.approx(7.1)
