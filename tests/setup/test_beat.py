"""Beat after a jump of the clock."""

from datetime import timedelta
from pathlib import Path

import time_machine
from celery.beat import PersistentScheduler
from django.utils.timezone import now

from config.beat import SteadyScheduler
from config.celery import app


def scheduler(folder: Path) -> SteadyScheduler:
    """As beat makes it, with an empty file."""
    return SteadyScheduler(app, schedule_filename=str(folder / "schedule"), lazy=False)


def rung(beat: SteadyScheduler) -> set[str]:
    """What became due within two seconds from now."""
    seen: list[str] = []
    beat.apply_entry = lambda entry, **_: seen.append(entry.name)
    with time_machine.travel(now() + timedelta(seconds=2)):
        while beat.tick() == 0:
            pass
    return set(seen)


def test_a_clock_set_back_by_an_hour_stops_no_bell(tmp_path: Path) -> None:
    beat = scheduler(tmp_path)
    with time_machine.travel(now() + timedelta(hours=1)):
        assert "wake senders of due messages" in rung(beat)

    beat.tick()
    found = rung(beat)
    beat.close()

    assert {"wake senders of due messages", "receive what no doorbell announced"} <= found


def test_a_clock_set_back_in_the_middle_of_a_look_costs_seconds(tmp_path: Path) -> None:
    beat = scheduler(tmp_path)
    with time_machine.travel(now() + timedelta(hours=1)):
        rung(beat)

    # The rest of a look, to which every entry seems an hour away.
    pause = PersistentScheduler.tick(beat)
    beat.close()

    assert 0 < pause <= 5
