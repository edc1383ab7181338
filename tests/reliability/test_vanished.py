"""Workers whose broker's host vanishes without a word: they hear again soon after it is back."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings

from benchmarks.fleet import wait_until
from config.celery import app
from tests.reliability.vanishing import Host

QUEUE = "hearing"


@pytest.fixture
def host() -> Iterator[Host]:
    if not Host.is_possible():
        pytest.skip("networks of one's own are not possible here")
    place = urlsplit(settings.REDIS_URL)
    with Host(place.hostname or "", place.port or 0) as host:
        yield host


@contextmanager
def worker(host: Host, heard: Path) -> Iterator[None]:
    """A worker that knows the broker by the address of this host."""
    place = urlsplit(settings.REDIS_URL)
    broker = place._replace(netloc=f"{place.netloc.rpartition('@')[0]}@{host.address}").geturl()
    words = "-A tests.reliability.hearing worker -c 1 --without-gossip --without-mingle --without-heartbeat"
    process = subprocess.Popen(
        host.near(sys.executable, "-m", "celery", *words.split(), "-Q", QUEUE),
        env=os.environ | {"BROKER_URL": broker, "HEARD": str(heard)},
        cwd=settings.BASE_DIR,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def test_a_worker_whose_broker_vanished_hears_again_within_seconds(host: Host, tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    heard.touch()

    def rings() -> int:
        app.send_task("hear", queue=QUEUE)
        return len(heard.read_text())

    try:
        with worker(host, heard):
            wait_until(lambda: rings() > 0, "the worker", 60, poll_s=1)
            host.is_deaf = True
            assert host.heard.wait(20)
            host.vanish()
            host.come_back()
            before = rings()
            # It says nothing and is told nothing. After 21 s at the most the worker finds that strange.
            wait_until(lambda: rings() > before, "the worker that hears again", 35, poll_s=1)
    finally:
        redis.Redis.from_url(settings.REDIS_URL).delete(QUEUE)
