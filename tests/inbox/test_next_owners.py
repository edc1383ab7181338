"""A number that WhatsApp knows by another user id is somebody else's by now, who gets nothing of the one before.

Anna said yes under DE.1; Ben has got her number since and writes under DE.2.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.utils import timezone

from consent.actions import declarations
from consent.models import ConsentEvent, WordingVersion
from consent.queries import may_send
from contacts import identities
from contacts.models import Contact
from inbox.models import Conversation
from messaging import claiming
from messaging.actions import queue_reply
from messaging.budget import Budget
from messaging.models import Content, Message
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, open_form, person, stop
from tests.inbox import meta
from tests.inbox.outbox import plan
from tests.inbox.test_moves import moved
from whatsapp.models import Number

Deliver = Callable[..., None]
NOW = timezone.now().replace(microsecond=0) - timedelta(minutes=5)
PHONE = "+493023125001"


@pytest.fixture
def anna(number: Number, anna: Contact, deliver: Deliver) -> Contact:
    with tenant_scope(number.tenant):
        Contact.objects.update(first_name="Anna", external_id="4711")
    write(deliver, number, "Hallo", "DE.1")
    return anna


def write(deliver: Deliver, number: Number, words: str, bsuid: str = "DE.2", **more: Any) -> None:
    deliver(meta.body(number, messages=[meta.text(words, **{"at": NOW, "from_user_id": bsuid, **more})]))


def contact(number: Number, **named: Any) -> Contact:
    with tenant_scope(number.tenant):
        return Contact.objects.get(**named)


def reason(one: Contact) -> str:
    with tenant_scope(one.tenant_id):
        return may_send(contact=Contact.objects.get(pk=one.pk), channel="whatsapp", purpose="marketing").reason


def answers(tenant: Tenant) -> list[dict[str, Any]]:
    with tenant_scope(tenant):
        return list(Content.objects.filter(source__kind="reply").order_by("id").values_list("free_form", flat=True))


def test_the_next_owner_is_a_contact_of_their_own_and_the_yes_of_the_one_before_ends(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    waiting = plan(number)
    assert reason(anna) == ""

    write(deliver, number, "Hallo")
    write(deliver, number, "Seid ihr da?")

    ben = contact(number, phone=PHONE)
    assert (ben.first_name, ben.external_id, ben.bsuid) == ("", None, "DE.2")
    before = contact(number, external_id="4711")
    assert (before.pk, before.name, before.phone, before.bsuid) == (anna.pk, "Anna", None, "DE.1")
    assert (reason(ben), reason(anna)) == ("no_consent", "expired")
    with tenant_scope(number.tenant):
        rows = ConsentEvent.objects.filter(state="moved").values_list("subject_id", "channel", "authority", "source")
        assert sorted(rows) == [(anna.subject_id, name, 1, "system") for name in ("sms", "whatsapp")]
        Message.objects.filter(source=waiting).update(next_attempt_at=NOW)
        assert claiming.claim(number=number, source_id=waiting.pk, most=5, budget=Budget(number)) == []
        fate = Message.objects.values_list("state", "reason").get(source=waiting)
    assert fate == (Message.State.SKIPPED, "expired")


def test_the_next_owner_is_answered_and_has_to_say_yes_themselves(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    with tenant_scope(number.tenant):
        open_form(number.tenant, WordingVersion.objects.get(), number="+4915112345678")

    write(deliver, number, "START")

    [asked] = answers(number.tenant)
    assert asked["interactive"]["action"]["buttons"][0]["reply"]["title"] == "Ja, anmelden"
    ben = contact(number, phone=PHONE)
    with tenant_scope(number.tenant):
        assert Conversation.objects.get(contact=ben).last_inbound_at == NOW
        answer = Message.objects.get(source__kind="reply")
        Message.objects.update(next_attempt_at=NOW)
        [claimed] = claiming.claim(number=number, source_id=answer.source_id, most=1, budget=Budget(number))
    assert (answer.contact_id, orjson.loads(claimed.content)["to"]) == (ben.pk, PHONE)


def test_an_answer_to_the_one_before_does_not_go_to_the_next_owner(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    expires_at = timezone.now() + timedelta(hours=1)
    with tenant_scope(number.tenant):
        answer = queue_reply(
            tenant=number.tenant, number=number, contact=anna, text="Hallo Anna", dedupe="a", expires_at=expires_at
        )

    write(deliver, number, "Hallo")

    assert answer
    with tenant_scope(number.tenant):
        Message.objects.update(next_attempt_at=NOW)
        [claimed] = claiming.claim(number=number, source_id=answer.source_id, most=1, budget=Budget(number))
    body = orjson.loads(claimed.content)
    assert (body.get("to"), body["recipient"]) == (None, "DE.1")


def test_a_no_of_the_one_before_stays_with_the_number_until_the_next_owner_says_yes(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    with tenant_scope(number.tenant):
        stop(number.tenant, anna)

    write(deliver, number, "Hallo")

    ben = contact(number, phone=PHONE)
    assert (reason(ben), reason(anna)) == ("suppressed", "withdrawn")
    with tenant_scope(number.tenant):
        agree(number.tenant, ben, occurred_at=timezone.now())
    assert (reason(ben), reason(anna)) == ("", "withdrawn")


def test_who_was_known_by_user_id_before_has_the_number_from_then_on(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    hidden = meta.text("Hallo", at=NOW, from_user_id="DE.2")
    del hidden["from"]
    deliver(meta.body(number, messages=[hidden]))
    ben = contact(number, bsuid="DE.2")

    write(deliver, number, "Das ist meine Nummer")

    assert contact(number, phone=PHONE) == ben
    assert reason(anna) == "expired"
    with tenant_scope(number.tenant):
        assert not ConsentEvent.objects.filter(state="merged").exists()


def test_a_number_left_behind_is_not_sendable_again_when_its_next_owner_writes(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    with tenant_scope(number.tenant):
        Contact.objects.update(bsuid=None)
        elsewhere = person(number.tenant, phone="+493023125099")
    deliver(meta.body(number, messages=[moved()]))
    assert reason(anna) == "expired"

    write(deliver, number, "Hallo")
    write(deliver, number, "STOPP", at=timezone.now() + timedelta(seconds=2))

    ben = contact(number, phone=PHONE)
    assert ben not in (anna, elsewhere)
    # What Ben says is nothing that Anna has said.
    assert (reason(ben), reason(elsewhere)) == ("withdrawn", "no_consent")
    with tenant_scope(number.tenant):
        agree(number.tenant, elsewhere, occurred_at=timezone.now())
    assert (reason(elsewhere), reason(ben)) == ("", "withdrawn")


def test_the_move_of_a_next_owner_does_not_take_the_yes_of_the_one_before_along(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    deliver(meta.body(number, messages=[moved(from_user_id="DE.2")]))

    assert contact(number, external_id="4711").phone == PHONE
    with tenant_scope(number.tenant):
        assert not Contact.objects.filter(phone="+493023125099").exists()


def test_a_stop_and_a_resume_of_the_next_owner_open_nothing_that_the_one_before_had_stopped(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    def prefer(value: str, bsuid: str, minutes: int) -> None:
        told = meta.preference(value, at=NOW + timedelta(minutes=minutes), user_id=bsuid)
        deliver(meta.body(number, user_preferences=[told]))

    prefer("stop", "DE.1", 1)
    prefer("stop", "DE.2", 2)
    prefer("resume", "DE.2", 3)

    assert reason(anna) == "meta_stop"


def test_what_one_side_had_before_a_merge_is_not_the_other_sides_now(number: Number, deliver: Deliver) -> None:
    tenant, lost = number.tenant, "+493023125044"
    with tenant_scope(tenant):
        by_id, by_phone = person(tenant, bsuid="DE.1"), person(tenant, phone=lost)
        Contact.objects.filter(pk=by_phone.pk).update(phone=PHONE)
        identities.record(tenant, [Contact.objects.get(pk=by_phone.pk)])
        cem = person(tenant, phone=lost)
        declarations.erased(tenant=tenant, contact=cem, dedupe="art17", by=None)
        cem.delete()

    write(deliver, number, "Hallo", "DE.1")
    with tenant_scope(tenant):
        agree(tenant, by_id, occurred_at=timezone.now())
        again = person(tenant, phone=lost)

    assert (reason(by_id), reason(again)) == ("", "suppressed")
