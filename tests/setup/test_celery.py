"""Workers whose broker is away."""

import kombu.utils.functional
import pytest

from config.celery import app


class Enough(Exception):
    """So often it has looked."""


def test_a_broker_that_is_away_is_looked_for_every_two_seconds_however_long_that_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kombu.utils.functional, "sleep", lambda _: None)
    waits: list[float] = []

    def note(_: Exception, seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 20:
            raise Enough

    # As a worker does.
    with app.connection_for_read("redis://127.0.0.1:1/0") as broker, pytest.raises(Enough):
        broker.ensure_connection(note, None)

    assert set(waits) == {2}
