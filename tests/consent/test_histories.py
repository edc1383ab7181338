"""Thousands of random histories at once: the projection against the fold, whatever arrived in which order.

`HISTORIES=100000 make test ARGS=tests/consent/test_histories.py` takes the time for a hundred thousand.
"""

import os
import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from consent import ledger
from consent.ledger import Entry, Happened, fold, projecting
from consent.models import ConsentEvent, ConsentState, State
from tenants.models import Tenant
from tests.consent.factories import NOON, entry

HISTORIES = int(os.environ.get("HISTORIES", "2000"))
AT_ONCE = 1000
STATES = [*(state.value for state in State), "granted", "granted", "withdrawn", "meta_stopped"]

Said = dict[str, Any]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(0, HISTORIES, AT_ONCE))
def test_the_projection_equals_the_fold_of_every_history(in_bakery: Tenant, seed: int) -> None:
    dice = random.Random(seed)
    people = _people(dice, AT_ONCE)

    _append(in_bakery, dice, {person: _history(dice) for person in people})

    recorded, stored = _recorded(people), _stored(people)
    assert stored == {
        (person, *pair): folded[:7] for person, rows in recorded.items() for pair, folded in fold(rows).items()
    }
    assert len(recorded) > AT_ONCE / 2
    ConsentState.objects.filter(subject_id__in=people).delete()
    _rebuild(in_bakery)
    assert _stored(people) == stored


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(0, HISTORIES, AT_ONCE))
def test_what_people_said_themselves_means_the_same_in_any_order_of_arrival(in_bakery: Tenant, seed: int) -> None:
    dice = random.Random(seed + 1)
    people = _people(dice, AT_ONCE)
    twins = dict(zip(people, _people(dice, AT_ONCE), strict=True))
    histories = {person: _said_alone(_history(dice)) for person in people}

    _append(in_bakery, dice, histories)
    _append(in_bakery, dice, {twins[person]: said for person, said in histories.items()})

    first, second = _meanings(_stored(people)), _meanings(_stored(list(twins.values())))
    assert {twins[person]: meaning for person, meaning in first.items()} == second
    assert len(first) > AT_ONCE / 2


def _rebuild(tenant: Tenant) -> None:
    after = UUID(int=0)
    while done := projecting.rebuild(tenant, after=after):
        after = done[-1]


def _people(dice: random.Random, count: int) -> list[UUID]:
    return [UUID(int=dice.getrandbits(128), version=4) for _ in range(count)]


def _history(dice: random.Random) -> list[Said]:
    return [
        {
            "channel": dice.choice(["whatsapp", "whatsapp", "email", "all"]),
            "purpose": dice.choice(["marketing", "marketing", "tracking", "transactional", "all"]),
            "state": dice.choice(STATES),
            "authority": dice.randint(0, 3),
            "minute": dice.randint(0, 12),
            "phone_number_id": dice.choice("ab"),
            "wording_sha256": dice.choice(["", "w1", "w2"]),
            "age_confirmed": dice.choice([None, True, False]),
            "valid_until": dice.choice([None, None, NOON + timedelta(days=365)]),
            "doi_request_seq": dice.choice([None, None, *range(1, 12)]),
        }
        for _ in range(dice.randint(0, 10))
    ]


def _said_alone(history: list[Said]) -> list[Said]:
    """Said by the person, at different moments: nothing may be refused for what was known when it arrived."""
    return [{**said, "authority": 3, "minute": number, "doi_request_seq": None} for number, said in enumerate(history)]


def _append(tenant: Tenant, dice: random.Random, histories: dict[UUID, list[Said]]) -> None:
    """Everybody's rows in any order, in four transactions' worth of batches."""
    arriving = [(person, said) for person, history in histories.items() for said in history]
    dice.shuffle(arriving)
    for turn in range(4):
        ledger.append(tenant, [_entry(person, said) for person, said in arriving[turn::4]])


def _entry(person: UUID, said: Said) -> Entry:
    fields = {name: value for name, value in said.items() if name != "minute"}
    return entry(person, occurred_at=NOON + timedelta(minutes=said["minute"]), **fields)


def _recorded(people: list[UUID]) -> dict[UUID, list[Happened]]:
    found: dict[UUID, list[Happened]] = {}
    rows = ConsentEvent.objects.filter(subject_id__in=people)
    for subject, *values in rows.values_list("subject_id", *Happened._fields):
        found.setdefault(subject, []).append(Happened(*values))
    return found


def _stored(people: list[UUID]) -> dict[tuple[UUID, str, str], tuple[Any, ...]]:
    return {
        (row.subject_id, row.channel, row.purpose): (
            row.state, row.since, row.seq, row.reason, row.age_confirmed, row.valid_until, tuple(row.stopped_numbers),
        )
        for row in ConsentState.objects.filter(subject_id__in=people)
    }  # fmt: skip


def _meanings(stored: dict[tuple[UUID, str, str], tuple[Any, ...]]) -> dict[UUID, set[tuple[Any, ...]]]:
    """What the rows say, without their place in the ledger."""
    found: dict[UUID, set[tuple[Any, ...]]] = {}
    for (person, *pair), (state, since, _seq, _reason, age, _until, numbers) in stored.items():
        found.setdefault(person, set()).add((*pair, state, since, age, numbers))
    return found
