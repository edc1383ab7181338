"""What people write lands in one conversation per person and number, once, and marks what it answers."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from contacts.models import Contact
from inbox.models import Conversation, InboundMessage
from messaging.models import Message
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.contacts.calls import Caller
from tests.inbox import meta
from tests.inbox.meta import NOON
from tests.inbox.outbox import plan, send
from whatsapp.models import Number

Deliver = Callable[..., None]
ADA = {"profile": {"name": "Ada"}, "wa_id": "493023125001", "user_id": "DE.1"}


def thread(tenant: Tenant) -> list[InboundMessage]:
    with tenant_scope(tenant):
        return list(InboundMessage.objects.select_related("conversation__contact").order_by("sent_at", "wamid"))


def replied(tenant: Tenant) -> list[Any]:
    with tenant_scope(tenant):
        return list(Message.objects.order_by("id").values_list("replied_at", flat=True))


def test_a_stranger_who_writes_becomes_a_contact_with_a_conversation(number: Number, deliver: Deliver) -> None:
    deliver(meta.body(number, contacts=[ADA], messages=[meta.text("Habt ihr sonntags auf?", from_user_id="DE.1")]))

    (message,) = thread(number.tenant)
    contact = message.conversation.contact
    assert (contact.phone, contact.bsuid) == ("+493023125001", "DE.1")
    assert message.text == "Habt ihr sonntags auf?"
    assert message.conversation.last_inbound_at == message.sent_at == NOON
    assert not message.is_opt_out
    assert not message.needs_a_look


def test_somebody_without_visible_number_is_known_by_bsuid(number: Number, deliver: Deliver) -> None:
    hidden = meta.text("Hallo", from_user_id="DE.77")
    del hidden["from"]

    deliver(meta.body(number, messages=[hidden]), meta.body(number, messages=[{**hidden, "id": "wamid.later"}]))

    assert [m.conversation.contact.bsuid for m in thread(number.tenant)] == ["DE.77", "DE.77"]
    assert [m.conversation.contact.phone for m in thread(number.tenant)] == [None, None]


def test_a_known_contact_learns_its_bsuid(number: Number, deliver: Deliver) -> None:
    send(number, 1)

    deliver(meta.body(number, messages=[meta.text("Danke", from_user_id="DE.1")]))

    with tenant_scope(number.tenant):
        assert Contact.objects.get().bsuid == "DE.1"


def test_repeated_and_shuffled_messages_are_stored_once(number: Number, deliver: Deliver) -> None:
    messages = [
        meta.text(f"Nachricht {n}", sender=f"4930231250{n % 7:02}", at=NOON + timedelta(seconds=n)) for n in range(60)
    ]
    repeated = messages * 3
    random.Random(3).shuffle(repeated)

    deliver(*(meta.body(number, messages=repeated[cut : cut + 11]) for cut in range(0, 180, 11)))

    assert [m.text for m in thread(number.tenant)] == [f"Nachricht {n}" for n in range(60)]
    with tenant_scope(number.tenant):
        assert Contact.objects.count() == 7
        assert sorted(Conversation.objects.values_list("last_inbound_at", flat=True)) == [
            NOON + timedelta(seconds=n) for n in range(53, 60)
        ]


def test_a_reply_marks_the_message_it_quotes(number: Number, deliver: Deliver) -> None:
    first, _ = send(number, 2)
    quoting = meta.text("Ich komme", at=NOON + timedelta(hours=1), context={"from": "x", "id": "wamid.1"})

    deliver(meta.body(number, messages=[quoting]))

    assert replied(number.tenant) == [NOON + timedelta(hours=1), None]
    assert thread(number.tenant)[0].answers_id == first.pk


def test_a_reply_without_quote_counts_for_the_latest_message_of_72_hours(number: Number, deliver: Deliver) -> None:
    send(number, 2)

    deliver(
        meta.body(
            number,
            messages=[
                meta.text("Gerne", at=NOON + timedelta(hours=71)),
                meta.text("Zu spät", sender="493023125002", at=NOON + timedelta(hours=73)),
            ],
        )
    )

    assert replied(number.tenant) == [NOON + timedelta(hours=71), None]
    assert [m.answers_id for m in thread(number.tenant)] == [None, None]


def test_of_two_messages_of_one_moment_the_later_one_is_answered(number: Number, deliver: Deliver) -> None:
    send(number, 1)
    other = plan(number)
    with tenant_scope(number.tenant):
        Message.objects.filter(source=other).update(accepted_at=NOON, state=Message.State.ACCEPTED, queue=2)

    deliver(meta.body(number, messages=[meta.text("Gerne", at=NOON + timedelta(hours=1))]))

    assert replied(number.tenant) == [None, NOON + timedelta(hours=1)]


def test_nobody_marks_a_message_of_somebody_else(number: Number, deliver: Deliver) -> None:
    send(number, 2)
    quoting = meta.text("Hallo", sender="493023125002", at=NOON + timedelta(days=9), context={"id": "wamid.1"})

    deliver(meta.body(number, messages=[quoting]))

    assert replied(number.tenant) == [None, None]


def test_the_number_that_whatsapp_shows_replaces_one_that_somebody_has_typed(
    number: Number, deliver: Deliver, alice: Caller
) -> None:
    hidden = meta.text("Hallo", from_user_id="DE.77")
    del hidden["from"]
    deliver(meta.body(number, messages=[hidden]))
    typed = {"bsuid": "DE.77", "phone": "+493023125999"}
    assert alice.post("contacts/", typed).status_code == 200

    deliver(meta.body(number, messages=[meta.text("START", from_user_id="DE.77")]))

    with tenant_scope(number.tenant):
        assert Contact.objects.get().phone == "+493023125001"


def test_pictures_and_places_keep_what_the_thread_needs(number: Number, deliver: Deliver) -> None:
    picture = {"id": "media1", "mime_type": "image/jpeg", "sha256": "x", "caption": "Schaut mal"}
    place = {"latitude": 52.5, "longitude": 13.4}

    deliver(
        meta.body(
            number,
            messages=[
                meta.text("", wamid="wamid.a") | {"type": "image", "image": picture},
                meta.text("", wamid="wamid.b") | {"type": "location", "location": place},
                meta.text("", wamid="wamid.c") | {"type": "hologram", "hologram": {"x": 1}},
            ],
        )
    )

    image, location, unknown = thread(number.tenant)
    assert (image.type, image.text, image.content["image"]["id"]) == ("image", "Schaut mal", "media1")
    assert location.content == {"location": place}
    assert unknown.type == "hologram"


def test_a_message_without_sender_is_set_aside_and_the_others_arrive(number: Number, deliver: Deliver) -> None:
    nameless = meta.text("Wer bin ich?")
    del nameless["from"]

    deliver(meta.body(number, messages=[meta.text("eins"), nameless, meta.text("zwei")]))

    assert sorted(m.text for m in thread(number.tenant)) == ["eins", "zwei"]


def test_the_same_person_at_two_companies_has_two_conversations(
    number: Number, shop_number: Number, deliver: Deliver
) -> None:
    deliver(
        meta.body(number, messages=[meta.text("An die Bäckerei")]),
        meta.body(shop_number, messages=[meta.text("An den Laden")]),
    )

    assert [m.text for m in thread(number.tenant)] == ["An die Bäckerei"]
    assert [m.text for m in thread(shop_number.tenant)] == ["An den Laden"]


@pytest.mark.parametrize("kind", ["image", "audio", "reaction"])
def test_pictures_voice_notes_and_reactions_never_opt_out(number: Number, deliver: Deliver, kind: str) -> None:
    content = {"caption": "STOPP", "emoji": "🛑", "mime_type": "x/y", "id": "1"}

    deliver(meta.body(number, messages=[meta.text("") | {"type": kind, kind: content}]))

    assert not thread(number.tenant)[0].is_opt_out
