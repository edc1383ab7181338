"""Exactly once: whatever dies while a campaign runs, nobody gets it twice and nobody is forgotten."""

from pathlib import Path

import pytest

from benchmarks import exactly_once
from benchmarks.exactly_once import Plan

pytestmark = pytest.mark.django_db(transaction=True)


def test_killed_workers_a_restarted_redis_and_a_failing_meta_send_nothing_twice_and_lose_nobody(
    with_own_redis: None, tmp_path: Path
) -> None:
    found = exactly_once.run(Plan(recipients=1500, kills=5, restarts=2, throughput=150, deadline_s=240), tmp_path)

    assert found.twice == 0, found
    assert found.lost == 0, found
    assert found.disagreed == 0, found
    assert not found.drifted
    assert found.uncertain < 30, found
    assert found.accepted > 1450, found
