"""The receiving task and the bell that wakes it."""

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Thread

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from redis import Redis

from inbox import receiving, recording, tasks
from inbox.models import InboundMessage, WebhookEvent
from inbox.recording import STATUSES_ONLY
from tenants.scope import across_tenants, tenant_scope
from tests.inbox import meta
from whatsapp.models import Number
from whatsapp.signature import sign


@pytest.fixture
def queue() -> Callable[[], int]:
    """How many tasks wait for the receivers."""
    broker = Redis.from_url(settings.REDIS_URL)
    broker.delete("receiving")
    return lambda: broker.llen("receiving")


def post(client: Client, content: bytes) -> int:
    headers = {"X-Hub-Signature-256": sign(meta.SECRET, content)}
    return client.post(meta.PATH, content, "application/json", headers=headers).status_code


def test_a_webhook_wakes_the_receivers_and_the_task_applies_it(
    number: Number, client: Client, queue: Callable[[], int]
) -> None:
    assert post(client, meta.body(number, messages=[meta.text("Hallo")])) == 200
    assert queue() == 1

    tasks.receive()

    with tenant_scope(number.tenant):
        assert InboundMessage.objects.get().text == "Hallo"
    # Nothing is left, so no further run is asked for.
    assert queue() == 1


def test_the_task_hands_over_when_its_time_is_up(
    number: Number, client: Client, queue: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    post(client, meta.body(number, messages=[meta.text("Hallo")]))
    monkeypatch.setattr(tasks, "SECONDS_AT_A_TIME", 0.0)

    tasks.receive()

    assert queue() == 2


@pytest.mark.usefixtures("truncatable")
@pytest.mark.django_db(transaction=True)
def test_bodies_that_keep_coming_are_applied_together(number: Number) -> None:
    one = recording.Received(None, STATUSES_ONLY, meta.body(number, statuses=[meta.status("wamid.x", "sent")]))

    def come() -> None:
        for _ in range(300):
            recording.store([one])
        connection.close()

    recording.store([one])
    meanwhile = Thread(target=come)
    began = time.monotonic()
    meanwhile.start()
    receiving.run(seconds=60)
    meanwhile.join()
    receiving.run(seconds=60)
    most = (time.monotonic() - began) / receiving.GATHERS_S + 4

    with across_tenants("this test"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FILTER (WHERE state = 1), count(DISTINCT xmin::text) FROM inbox_webhookevent")
        applied, batches = cursor.fetchone()
    assert applied == 301
    assert batches <= most


def test_a_forged_post_wakes_nobody(number: Number, client: Client, queue: Callable[[], int]) -> None:
    headers = {"X-Hub-Signature-256": sign("a guess", b"{}")}

    assert client.post(meta.PATH, b"{}", "application/json", headers=headers).status_code == 403
    assert client.post(meta.PATH, b"{}", "application/json").status_code == 401
    large = b"x" * (3 * 1024 * 1024 + 1)
    assert post(client, large) == 413

    assert queue() == 0
    with across_tenants("this test"):
        assert not WebhookEvent.objects.exists()


def test_the_main_port_answers_the_handshake(client: Client, shop_number: Number) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "42", "hub.verify_token": "the shop's verify token"}

    answer = client.get(f"{meta.PATH}{shop_number.account.uid}/", query)
    assert (answer.status_code, answer.content) == (200, b"42")
    assert client.get(meta.PATH, query).status_code == 403


def test_bodies_are_forgotten_after_thirty_days(number: Number, client: Client) -> None:
    for words in ("alt", "neu"):
        post(client, meta.body(number, messages=[meta.text(words)]))
    tasks.receive()
    with across_tenants("this test"):
        first = WebhookEvent.objects.order_by("id")[0]
        WebhookEvent.objects.filter(pk=first.pk).update(received_at=timezone.now() - timedelta(days=30, minutes=1))

    tasks.forget()

    with across_tenants("this test"):
        assert [b"neu" in bytes(event.body) for event in WebhookEvent.objects.all()] == [True]
    with tenant_scope(number.tenant):
        assert InboundMessage.objects.count() == 2
