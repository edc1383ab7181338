"""Exactly once: whatever dies while a campaign runs, nobody gets it twice and nobody is forgotten."""

from pathlib import Path

import pytest

from benchmarks import exactly_once
from benchmarks.exactly_once import Plan

pytestmark = pytest.mark.django_db(transaction=True)


def test_killed_workers_and_a_failing_meta_send_nothing_twice_and_lose_nobody(tmp_path: Path) -> None:
    found = exactly_once.run(Plan(recipients=1500, kills=6, throughput=400, deadline_s=90), tmp_path)

    assert found.twice == 0, found
    assert found.lost == 0, found
    assert found.disagreed == 0, found
    assert not found.drifted
    # Half of the HTTP 500s left nothing behind, and so do attempts that a killed worker never made.
    assert found.uncertain < 60, found
    assert found.accepted > 1400, found
