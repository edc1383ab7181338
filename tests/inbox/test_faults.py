"""The door as its own process: what it answered with 200 outlives a kill, and a lost database costs no answer."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import httpx
import pytest
from django.db import connection

from benchmarks.fleet import wait_until
from inbox import receiving
from inbox.models import Conversation, InboundMessage, WebhookEvent
from messaging.models import Message
from tenants.scope import across_tenants, tenant_scope
from tests.inbox import meta
from tests.inbox.meta import NOON
from tests.inbox.outbox import send
from tests.reliability.vanishing import Host
from tests.setup.services import eventually
from whatsapp.models import Number
from whatsapp.signature import sign

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("truncatable")]


@dataclass
class RunningDoor:
    """uvicorn with the door, as `make run` starts it."""

    process: subprocess.Popen[bytes]
    meta: httpx.Client

    def post(self, content: bytes) -> int:
        headers = {"X-Hub-Signature-256": sign(meta.SECRET, content)}
        return self.meta.post(meta.PATH, content=content, headers=headers).status_code


def database_url() -> str:
    parts = {key: quote(str(connection.settings_dict[key]), safe="") for key in ("USER", "PASSWORD", "HOST", "PORT")}
    return f"postgres://{parts['USER']}:{parts['PASSWORD']}@{parts['HOST']}:{parts['PORT']}/{connection.settings_dict['NAME']}"


@contextmanager
def running(before: Sequence[str] = (), **environment: str) -> Iterator[RunningDoor]:
    """A door on a free port with the test's database; `before` is what starts it."""
    environment = {"DATABASE_URL": database_url(), "WHATSAPP_APP_SECRET": meta.SECRET} | environment
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = ["-m", "uvicorn", "inbox.door:application", "--fd", str(listener.fileno()), "--no-access-log"]
        process = subprocess.Popen(
            [*before, sys.executable, *arguments],
            env=os.environ | environment,
            pass_fds=[listener.fileno()],
        )
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=60) as client:
            # The socket listens already, so this waits until the door serves.
            assert client.get("/healthz").status_code == 200
            yield RunningDoor(process, client)
        process.kill()
        process.wait()


@pytest.fixture
def door(db: None) -> Iterator[RunningDoor]:
    with running() as door:
        yield door


def stored_bodies() -> list[bytes]:
    with across_tenants("this test"):
        return [bytes(body) for body in WebhookEvent.objects.order_by("pk").values_list("body", flat=True)]


def other_sessions(*, end: bool = False) -> int:
    """How many others are connected to the test's database; `end` throws them out."""
    counted = "pg_terminate_backend(pid)" if end else "true"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FILTER (WHERE {counted}) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return cursor.fetchone()[0]


def test_what_was_answered_with_200_outlives_a_kill(number: Number, door: RunningDoor) -> None:
    answered: list[bytes] = []

    def keep_posting(worker: int) -> None:
        for n in range(10_000):
            content = meta.body(number, statuses=[meta.status(f"wamid.{worker}.{n}", "sent")])
            try:
                if door.post(content) == 200:
                    answered.append(content)
            except httpx.TransportError:
                return
            if len(answered) >= 100:
                door.process.send_signal(signal.SIGKILL)

    workers = [threading.Thread(target=keep_posting, args=[n]) for n in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(answered) >= 100
    assert set(answered) <= set(stored_bodies())


def test_a_lost_connection_is_told_to_meta_and_then_replaced(number: Number, door: RunningDoor) -> None:
    first, lost = (meta.body(number, statuses=[meta.status(f"wamid.{n}", "sent")]) for n in ("first", "lost"))
    assert door.post(first) == 200
    assert other_sessions(end=True) == 1

    assert door.post(lost) == 503
    later: list[tuple[bytes, int]] = []
    ends_at = time.monotonic() + 20
    while not later or (later[-1][1] != 200 and time.monotonic() < ends_at):
        content = meta.body(number, statuses=[meta.status(f"wamid.{len(later)}", "sent")])
        later.append((content, door.post(content)))

    kept = stored_bodies()
    assert later[-1][1] == 200
    assert lost not in kept
    assert all((content in kept) is (status == 200) for content, status in later)


def test_a_database_whose_host_vanishes_in_the_middle_of_a_statement_costs_seconds(number: Number) -> None:
    if not Host.is_possible():
        pytest.skip("networks of one's own are not possible here")
    first, lost, later = (meta.body(number, statuses=[meta.status(f"wamid.{n}", "sent")]) for n in range(3))
    answers = []

    with Host(connection.settings_dict["HOST"], connection.settings_dict["PORT"]) as host:
        url = urlsplit(database_url())
        url = url._replace(netloc=f"{url.netloc.rpartition('@')[0]}@{host.address}")
        with running(host.near(), DATABASE_URL=url.geturl()) as door:
            assert door.post(first) == 200
            host.is_deaf = True
            waiting = threading.Thread(target=lambda: answers.append(door.post(lost)))
            waiting.start()
            assert host.heard.wait(20)
            host.vanish()
            # As soon as Meta has its answer the host is there again, and does not know of any connection.
            waiting.join()
            host.come_back()
            # 20 s after the statement (config.databases), and another try.
            wait_until(lambda: door.post(later) == 200, "the door", 30)

    assert answers == [503]
    assert stored_bodies() == [first, later]


def test_a_normal_end_lets_go_of_the_database(door: RunningDoor) -> None:
    assert door.post(b"{}") == 200
    assert other_sessions() == 1

    door.process.terminate()
    door.process.wait(timeout=30)

    # The server may take a moment to notice that the connection was closed.
    assert eventually(lambda: other_sessions() == 0)
    assert stored_bodies() == [b"{}"]


def test_without_redis_webhooks_are_stored_all_the_same(number: Number) -> None:
    contents = [meta.body(number, statuses=[meta.status(f"wamid.{n}", "sent")]) for n in range(5)]

    with running(REDIS_URL="redis://127.0.0.1:1/0") as door:
        assert [door.post(content) for content in contents] == [200] * 5

    assert stored_bodies() == contents


def receive_in_parallel(receivers: int) -> None:
    def receive() -> None:
        try:
            receiving.run(seconds=60)
        finally:
            connection.close()

    threads = [threading.Thread(target=receive) for _ in range(receivers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_several_receivers_at_once_leave_the_same_state_as_one(number: Number) -> None:
    send(number, 60)
    fates = [meta.status(f"wamid.{n}", name) for n in range(1, 61) for name in ("read", "sent", "delivered")]
    words = [meta.text(f"Nachricht {n}", sender=f"4930231250{n % 5 + 1:02}", wamid=f"wamid.in.{n}") for n in range(40)]
    bodies = [meta.body(number, statuses=fates[cut : cut + 40][::-1]) for cut in range(0, 180, 20)]
    bodies += [meta.body(number, messages=words[cut : cut + 8][::-1]) for cut in range(0, 40, 4)]
    assert set(meta.knock_all(bodies * 3)) == {200}

    receive_in_parallel(4)

    with across_tenants("this test"):
        assert set(WebhookEvent.objects.values_list("state", "error", "attempts")) == {(1, "", 1)}
    with tenant_scope(number.tenant):
        assert set(Message.objects.values_list("state", "sent_at", "read_at")) == {(Message.State.READ, NOON, NOON)}
        assert InboundMessage.objects.count() == 40
        assert Conversation.objects.count() == 5


def test_a_stopp_does_not_wait_behind_statuses(number: Number) -> None:
    statuses = [meta.body(number, statuses=[meta.status(f"wamid.{n}", "sent")]) for n in range(30)]
    assert set(meta.knock_all(statuses)) == {200}
    assert meta.knock(meta.body(number, messages=[meta.text("STOPP")])).status_code == 200

    # No time for more than the first batch.
    assert receiving._apply_next_batch()

    with tenant_scope(number.tenant):
        assert InboundMessage.objects.get().is_opt_out
    with across_tenants("this test"):
        assert WebhookEvent.objects.filter(state=WebhookEvent.State.WAITING).count() == 30
