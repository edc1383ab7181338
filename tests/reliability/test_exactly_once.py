"""Exactly once: whatever dies while a campaign runs, nobody gets it twice and nobody is forgotten."""

from pathlib import Path

import pytest

from benchmarks.chaos import kills

pytestmark = pytest.mark.django_db(transaction=True)


def test_killed_workers_a_restarted_redis_and_a_failing_meta_send_nothing_twice_and_lose_nobody(
    with_own_redis: None, tmp_path: Path
) -> None:
    found = kills.everybody(tmp_path, 1500, kills=5, restarts=2, throughput=150)

    assert found.is_right, found
    assert found.accepted > 1450, found
