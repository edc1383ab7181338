"""STOPP through the whole path: consent withdrawn, waiting messages cancelled, one neutral confirmation."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from consent.actions import declarations
from consent.models import ConsentEvent, DataRequest
from consent.queries import may_send
from contacts.models import Contact
from inbox.models import InboundMessage
from messaging import claiming
from messaging.actions import queue_reply
from messaging.budget import Budget
from messaging.models import Content, Message, Source
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent import factories as consent_factories
from tests.inbox import meta
from tests.inbox.outbox import plan, send
from whatsapp.models import Number

pytestmark = pytest.mark.usefixtures("as_runtime")

Deliver = Callable[..., None]
TODAY = timezone.now().replace(microsecond=0) - timedelta(minutes=5)


def agree(tenant: Tenant) -> None:
    """Everybody says yes, a month ago."""
    with tenant_scope(tenant):
        for contact in Contact.objects.all():
            declarations.grant(
                tenant=tenant,
                contact=contact,
                dedupe=f"form:{contact.pk}",
                source="signup_page",
                authority=3,
                occurred_at=TODAY - timedelta(days=30),
                wording_text="Ja",
                age_confirmed=True,
            )


def may(tenant: Tenant, phone: str = "+493023125001") -> bool:
    with tenant_scope(tenant):
        return may_send(contact=Contact.objects.get(phone=phone), channel="whatsapp", purpose="marketing").allowed


def confirmations(tenant: Tenant) -> list[tuple[str, str]]:
    """(phone, text) of the replies that were queued."""
    with tenant_scope(tenant):
        replies = Content.objects.filter(source__kind="reply").order_by("id")
        return [
            (Message.objects.get(source=reply.source).contact.phone, reply.free_form["text"]["body"])
            for reply in replies
        ]


def campaign_states(tenant: Tenant, source: Source) -> list[tuple[int, str]]:
    with tenant_scope(tenant):
        return list(Message.objects.filter(source=source).order_by("id").values_list("state", "reason"))


def test_stopp_ends_marketing_at_once(number: Number, deliver: Deliver) -> None:
    tenant = number.tenant
    sent = send(number, 2, accepted_at=TODAY - timedelta(hours=1))
    waiting = plan(number)
    agree(tenant)
    assert may(tenant)

    deliver(meta.body(number, messages=[meta.text("Stopp!", at=TODAY)]))

    assert not may(tenant)
    assert may(tenant, "+493023125002")
    assert campaign_states(tenant, waiting) == [(Message.State.CANCELLED, "withdrawn"), (Message.State.QUEUED, "")]
    with tenant_scope(tenant):
        assert Message.objects.get(pk=sent[0].pk).opted_out_at == TODAY
        assert Message.objects.get(pk=sent[0].pk).replied_at == TODAY
        assert Message.objects.get(pk=sent[1].pk).opted_out_at is None
        assert InboundMessage.objects.get().is_opt_out
    text = "Du bist abgemeldet. Bäckerei Sonne schickt dir keine Werbung mehr über WhatsApp."
    assert confirmations(tenant) == [("+493023125001", text)]


def test_the_opt_out_button_of_a_campaign_does_the_same(number: Number, deliver: Deliver) -> None:
    tenant = number.tenant
    sent = send(number, 2, accepted_at=TODAY - timedelta(hours=1))
    agree(tenant)
    tap = meta.tap("Lieber nicht", "optout:campaign", at=TODAY, context={"from": "x", "id": "wamid.1"})

    deliver(meta.body(number, messages=[tap]))

    assert not may(tenant)
    with tenant_scope(tenant):
        assert Message.objects.get(pk=sent[0].pk).opted_out_at == TODAY
        assert set(ConsentEvent.objects.filter(state="withdrawn").values_list("source", flat=True)) == {"wa_button"}


def test_one_confirmation_however_often_somebody_writes_stopp(number: Number, deliver: Deliver) -> None:
    send(number, 1, accepted_at=TODAY)
    agree(number.tenant)
    stopp = meta.text("STOPP", at=TODAY)
    again = meta.text("Stopp", at=TODAY + timedelta(seconds=20))

    deliver(meta.body(number, messages=[stopp, stopp]), meta.body(number, messages=[again]))
    deliver(meta.body(number, messages=[stopp]), meta.body(number, messages=[again]))

    assert len(confirmations(number.tenant)) == 1
    assert not may(number.tenant)


def test_cg_25_one_confirmation_though_somebody_writes_stopp_to_two_of_the_numbers(
    number: Number, deliver: Deliver
) -> None:
    tenant = number.tenant
    send(number, 1, accepted_at=TODAY)
    agree(tenant)
    with tenant_scope(tenant):
        other = Number.objects.create(tenant=tenant, account=number.account, phone_number_id="pnid-other")
    to_one = meta.body(number, messages=[meta.text("STOPP", at=TODAY)])
    to_other = meta.body(other, messages=[meta.text("Stopp", at=TODAY + timedelta(seconds=20))])

    deliver(to_one)
    deliver(to_other)

    assert [phone for phone, _text in confirmations(tenant)] == ["+493023125001"]
    assert not may(tenant)


def test_cg_25_two_people_are_confirmed_each(number: Number, deliver: Deliver) -> None:
    send(number, 2, accepted_at=TODAY)
    stopps = [meta.text("STOPP", sender=f"4930231250{place:02d}", at=TODAY) for place in (1, 2)]

    deliver(meta.body(number, messages=stopps))

    assert {phone for phone, _text in confirmations(number.tenant)} == {"+493023125001", "+493023125002"}


def test_english_speakers_are_answered_in_english(number: Number, deliver: Deliver) -> None:
    send(number, 1, accepted_at=TODAY)
    with tenant_scope(number.tenant):
        Contact.objects.update(language="en")

    deliver(meta.body(number, messages=[meta.text("unsubscribe", at=TODAY)]))

    ((_, text),) = confirmations(number.tenant)
    assert text.startswith("You are unsubscribed. Bäckerei Sonne")


def test_a_stopp_that_arrives_a_day_late_counts_but_is_not_answered(number: Number, deliver: Deliver) -> None:
    send(number, 1, accepted_at=TODAY)
    agree(number.tenant)

    deliver(meta.body(number, messages=[meta.text("STOPP", at=TODAY - timedelta(days=1))]))

    assert not may(number.tenant)
    assert confirmations(number.tenant) == []


def test_a_confirmation_is_not_sent_any_more_once_metas_24_hours_are_nearly_over(
    number: Number, deliver: Deliver
) -> None:
    send(number, 1, accepted_at=TODAY)

    deliver(meta.body(number, messages=[meta.text("STOPP", at=TODAY)]))

    with tenant_scope(number.tenant):
        ends_at = Source.objects.get(kind="reply").expires_at
    assert ends_at == TODAY + timedelta(hours=23, minutes=50)


def test_a_stopp_older_than_a_new_yes_ends_nothing(number: Number, deliver: Deliver) -> None:
    send(number, 1, accepted_at=TODAY)
    waiting = plan(number)
    agree(number.tenant)

    deliver(meta.body(number, messages=[meta.text("STOPP", at=TODAY - timedelta(days=40))]))

    assert may(number.tenant)
    assert campaign_states(number.tenant, waiting) == [(Message.State.QUEUED, "")]


@pytest.mark.parametrize(
    "words", ["Löscht bitte alle meine Daten", "Please delete my data", "Habt ihr sie noch alle? Löscht meine Nummer!"]
)
def test_cg_40_who_wants_their_data_deleted_is_noted_in_the_register(
    number: Number, deliver: Deliver, words: str
) -> None:
    tenant = number.tenant
    send(number, 1, accepted_at=TODAY)
    agree(tenant)

    for later in (0, 1):
        deliver(meta.body(number, messages=[meta.text(words, at=TODAY + timedelta(minutes=later))]))

    assert not may(tenant)
    with tenant_scope(tenant):
        noted = DataRequest.objects.get()
        assert (noted.kind, noted.state, noted.checked_by) == ("erasure", "open", "whatsapp")
        assert noted.received_at == TODAY


@pytest.mark.parametrize(
    ("words", "mail", "told"),
    [
        ("Hiermit widerspreche ich der Werbung.", "objected", "widersprochen"),
        ("Ich lege Widerspruch gegen die Nutzung meiner Daten ein", "objected", "widersprochen"),
        ("I object to the processing of my data for marketing", "objected", "widersprochen"),
        ("Ich widerspreche der Werbung per WhatsApp", "", "abgemeldet"),
        ("Widerspruch", "", "abgemeldet"),
        ("Bitte keine Werbung mehr", "", "abgemeldet"),
    ],
)
def test_cg_24_an_objection_in_the_chat_is_one_and_ends_all_advertising_where_it_names_no_channel(
    number: Number, deliver: Deliver, words: str, mail: str, told: str
) -> None:
    tenant = number.tenant
    send(number, 1, accepted_at=TODAY)
    agree(tenant)
    with tenant_scope(tenant):
        contact = Contact.objects.get()
        consent_factories.agree(tenant, contact, pairs=[("email", "marketing")])

    deliver(meta.body(number, messages=[meta.text(words, at=TODAY)]))

    with tenant_scope(tenant):
        on_whatsapp = may_send(contact=contact, channel="whatsapp", purpose="marketing").reason
        assert on_whatsapp == ("withdrawn" if words.startswith("Bitte") else "objected")
        assert may_send(contact=contact, channel="email", purpose="marketing").reason == mail
        answer = Content.objects.filter(source__kind="reply").latest("pk").free_form
    assert told in str(answer)


@pytest.mark.parametrize(("purpose", "left"), [("survey", False), ("marketing", True)])
def test_stopp_under_a_survey_ends_surveys_too(number: Number, deliver: Deliver, purpose: str, left: bool) -> None:
    tenant = number.tenant
    send(number, 1, accepted_at=TODAY - timedelta(minutes=1))
    agree(tenant)
    with tenant_scope(tenant):
        contact = Contact.objects.get()
        consent_factories.agree(tenant, contact, pairs=[("whatsapp", "survey")])
        Source.objects.update(purpose=purpose)

    deliver(meta.body(number, messages=[meta.text("STOPP", at=TODAY)]))

    assert not may(tenant)
    with tenant_scope(tenant):
        assert may_send(contact=contact, channel="whatsapp", purpose="survey").allowed is left


def test_who_writes_after_a_stopp_is_answered_and_gets_no_advertising(number: Number, deliver: Deliver) -> None:
    tenant = number.tenant
    send(number, 1, accepted_at=TODAY)
    agree(tenant)
    deliver(meta.body(number, messages=[meta.text("STOPP", at=TODAY)]))

    deliver(meta.body(number, messages=[meta.text("Habt ihr morgen offen?", at=TODAY + timedelta(minutes=2))]))

    assert not may(tenant)
    with tenant_scope(tenant):
        contact = Contact.objects.get()
        ends_at = timezone.now() + timedelta(hours=23)
        answer = queue_reply(
            tenant=tenant, number=number, contact=contact, text="Ja, ab 7 Uhr.", dedupe="open", expires_at=ends_at
        )
        assert answer
        Message.objects.filter(pk=answer.pk).update(next_attempt_at=TODAY)
        claimed = claiming.claim(number=number, source_id=answer.source_id, most=1, budget=Budget(number))
        assert [one.message_id for one in claimed] == [answer.pk]


def test_an_unclear_wish_is_for_people_to_look_at(number: Number, deliver: Deliver) -> None:
    send(number, 1, accepted_at=TODAY)
    agree(number.tenant)

    deliver(meta.body(number, messages=[meta.text("nein danke", at=TODAY)]))

    assert may(number.tenant)
    with tenant_scope(number.tenant):
        assert InboundMessage.objects.get().needs_a_look
    assert confirmations(number.tenant) == []


@pytest.mark.parametrize("words", ["Wo ist der nächste Bus-Stop?", "Könnt ihr meine Bestellung stoppen?"])
def test_ordinary_questions_change_nothing(number: Number, deliver: Deliver, words: str) -> None:
    send(number, 1, accepted_at=TODAY)
    agree(number.tenant)

    deliver(meta.body(number, messages=[meta.text(words, at=TODAY)]))

    assert may(number.tenant)


def test_stop_all_cancels_more_than_marketing(number: Number, deliver: Deliver) -> None:
    send(number, 1, accepted_at=TODAY)
    waiting = plan(number, purpose="survey")
    agree(number.tenant)

    deliver(meta.body(number, messages=[meta.text("alles stoppen", at=TODAY)]))

    assert campaign_states(number.tenant, waiting) == [(Message.State.CANCELLED, "withdrawn")]


def test_stop_in_whatsapps_settings_and_resume(number: Number, deliver: Deliver) -> None:
    tenant = number.tenant
    sent = send(number, 1, accepted_at=TODAY - timedelta(hours=1))
    waiting = plan(number)
    agree(tenant)
    stop, resume = meta.preference("stop", at=TODAY), meta.preference("resume", at=TODAY + timedelta(minutes=2))

    deliver(meta.body(number, user_preferences=[stop]))

    assert not may(tenant)
    assert campaign_states(tenant, waiting) == [(Message.State.CANCELLED, "meta_stop")]
    assert confirmations(tenant) == []
    with tenant_scope(tenant):
        assert Message.objects.get(pk=sent[0].pk).opted_out_at == TODAY

    deliver(meta.body(number, user_preferences=[resume]))
    assert may(tenant)
    # The stop comes once more, late.
    deliver(meta.body(number, user_preferences=[stop]))
    assert may(tenant)


def test_resume_before_its_stop_ends_open(number: Number, deliver: Deliver) -> None:
    send(number, 1, accepted_at=TODAY)
    agree(number.tenant)
    stop, resume = meta.preference("stop", at=TODAY), meta.preference("resume", at=TODAY + timedelta(minutes=2))

    deliver(meta.body(number, user_preferences=[resume]), meta.body(number, user_preferences=[stop]))

    assert may(number.tenant)


def test_resume_does_not_lift_a_stopp_by_text(number: Number, deliver: Deliver) -> None:
    send(number, 1, accepted_at=TODAY)
    agree(number.tenant)

    deliver(
        meta.body(number, messages=[meta.text("STOPP", at=TODAY)]),
        meta.body(number, user_preferences=[meta.preference("resume", at=TODAY + timedelta(minutes=2))]),
    )

    assert not may(number.tenant)


def test_a_stranger_who_stops_is_kept_out_without_becoming_a_contact(number: Number, deliver: Deliver) -> None:
    deliver(meta.body(number, user_preferences=[meta.preference("stop", at=TODAY)]))

    with tenant_scope(number.tenant):
        assert Contact.objects.count() == 0
    # Weeks later the person writes, and somebody imports an old yes.
    deliver(meta.body(number, messages=[meta.text("Hallo", at=TODAY)]))
    agree(number.tenant)
    assert not may(number.tenant)


def test_a_failure_with_131050_records_the_stop_and_the_webhook_adds_nothing(number: Number, deliver: Deliver) -> None:
    tenant = number.tenant
    sent = send(number, 1, accepted_at=TODAY - timedelta(hours=1))
    waiting = plan(number)
    agree(tenant)

    deliver(
        meta.body(number, statuses=[meta.failure("wamid.1", 131050, TODAY)] * 2),
        meta.body(number, statuses=[meta.failure("wamid.1", 131050, TODAY)]),
    )

    assert not may(tenant)
    assert campaign_states(tenant, waiting) == [(Message.State.CANCELLED, "meta_stop")]
    with tenant_scope(tenant):
        # Neither a failure nor an opt-out because of this message, which never arrived.
        stopped = Message.objects.get(pk=sent[0].pk)
        assert (stopped.state, stopped.reason, stopped.opted_out_at) == (Message.State.SKIPPED, "meta_stop", None)
        assert ConsentEvent.objects.filter(state="meta_stopped").count() == 1
