"""An unknown outcome is not repeated while what Meta said of it may lie here unread."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import now
from pytest_django import Settings

from inbox import receiving
from inbox.models import WebhookEvent
from messaging import sweeping
from messaging.models import Message
from tenants.encryption import seal
from tenants.scope import across_tenants, tenant_scope
from tests.inbox import meta, outbox
from whatsapp.models import Number
from whatsapp.signature import sign


@pytest.fixture
def unclear(number: Number, settings: Settings) -> Message:
    """A message of which nobody knows what became, while a later one of its campaign was heard of long ago."""
    settings.MESSAGING_SETTLE_S = 900
    first, later = outbox.send(number, 2)
    at, soon = now() - timedelta(seconds=1000), now() - timedelta(seconds=940)
    uncertain = {"state": 7, "queue": 1, "consent_seq": 1, "wamid": None, "accepted_at": None}
    with tenant_scope(number.tenant):
        Message.objects.filter(pk=first.pk).update(**uncertain, claimed_at=at, next_attempt_at=at)
        Message.objects.filter(pk=later.pk).update(state=4, claimed_at=soon, accepted_at=soon, sent_at=soon)
    return first


def told(client: Client, message: Message, number: Number, **stored: object) -> None:
    """Let the door store that Meta has sent the message on, and nobody read it."""
    callback = seal("callback", number.tenant_id, message.pk, 1)
    body = meta.body(number, statuses=[meta.status("wamid.A", "sent", biz_opaque_callback_data=callback)])
    answer = client.post(meta.PATH, body, "application/json", headers={"X-Hub-Signature-256": sign(meta.SECRET, body)})
    assert answer.status_code == 200
    with across_tenants("this test"):
        WebhookEvent.objects.update(**stored)


def state(message: Message) -> tuple[int, int]:
    with tenant_scope(message.tenant_id):
        return Message.objects.values_list("state", "queue").get(pk=message.pk)


def test_while_its_status_lies_here_unread_nobody_sends_it_again(
    client: Client, number: Number, unclear: Message
) -> None:
    told(client, unclear, number, received_at=now() - timedelta(seconds=990))

    assert sweeping.sweep().settled == 0
    assert state(unclear) == (Message.State.UNCERTAIN, Message.Queue.CLAIMED)

    receiving.run(seconds=60)
    sweeping.sweep()
    assert state(unclear) == (Message.State.SENT, Message.Queue.OUT)


@pytest.mark.parametrize(
    ("kept", "seconds_ago"), [(WebhookEvent.State.SET_ASIDE, 990), (WebhookEvent.State.WAITING, 9)]
)
def test_what_was_set_aside_or_has_just_come_holds_nobody_up(
    client: Client, number: Number, unclear: Message, kept: int, seconds_ago: int
) -> None:
    told(client, unclear, number, state=kept, received_at=now() - timedelta(seconds=seconds_ago))

    sweeping.sweep()

    assert state(unclear) == (Message.State.QUEUED, Message.Queue.WAITING)
