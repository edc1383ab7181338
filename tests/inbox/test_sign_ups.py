"""Signing up through the whole path: keyword or token by webhook, the answer that goes out, the consent it makes."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent import ledger
from consent.actions import signup_forms, signups, vouchers
from consent.ledger import evidence
from consent.models import ConsentEvent, ConsentEvidence, SignupForm
from consent.queries import may_send
from consent.signups import message, token_in
from contacts.models import Contact
from inbox.models import InboundMessage
from messaging.actions import queue_reply
from messaging.models import Content, Message
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import open_form, person, published
from tests.consent.test_meeting import ended, meanwhile
from tests.inbox import meta
from whatsapp.models import Number

Deliver = Callable[..., None]
NOW = timezone.now().replace(microsecond=0)
PHONE = "+493023125001"


@pytest.fixture
def form(number: Number) -> SignupForm:
    tenant = number.tenant
    with tenant_scope(tenant):
        return open_form(tenant, number="+4915112345678", keyword="Brot")


def answers(tenant: Tenant) -> list[dict[str, Any]]:
    with tenant_scope(tenant):
        return list(Content.objects.filter(source__kind="reply").order_by("id").values_list("free_form", flat=True))


def sent(tenant: Tenant) -> None:
    """Meta has taken every answer that waited."""
    with tenant_scope(tenant):
        for message in Message.objects.filter(source__kind="reply", wamid=None):
            Message.objects.filter(pk=message.pk).update(
                state=Message.State.ACCEPTED, queue=Message.Queue.OUT, wamid=f"wamid.out{message.pk}"
            )


def write(deliver: Deliver, number: Number, words: str, minute: int) -> None:
    deliver(meta.body(number, messages=[meta.text(words, at=NOW - timedelta(minutes=30 - minute))]))
    sent(number.tenant)


def may(tenant: Tenant) -> str:
    with tenant_scope(tenant):
        return may_send(contact=Contact.objects.get(phone=PHONE), channel="whatsapp", purpose="marketing").reason


@pytest.mark.parametrize("word", ["START", "Anmelden!", "brot"])
def test_a_keyword_is_answered_by_the_wording_and_a_button_and_the_tap_by_a_confirmation(
    number: Number, form: SignupForm, deliver: Deliver, word: str
) -> None:
    deliver(meta.body(number, messages=[meta.text(word, at=NOW)]))

    [asked] = answers(number.tenant)
    assert asked["type"] == "interactive"
    assert "Angebote" in asked["interactive"]["body"]["text"]
    [button] = asked["interactive"]["action"]["buttons"]
    assert button["reply"]["title"] == "Ja, anmelden"
    assert may(number.tenant) == "pending"

    tapped = meta.text("", at=NOW) | {
        "type": "interactive",
        "interactive": {"type": "button_reply", "button_reply": button["reply"]},
    }
    deliver(meta.body(number, messages=[tapped]))

    assert may(number.tenant) == ""
    confirmation = answers(number.tenant)[-1]["text"]["body"]
    assert "angemeldet" in confirmation
    assert "STOPP" in confirmation


def test_the_confirmation_brings_the_way_to_the_persons_own_page(
    number: Number, form: SignupForm, deliver: Deliver, client: Client
) -> None:
    deliver(meta.body(number, messages=[meta.text("START", at=NOW)]))
    [button] = answers(number.tenant)[0]["interactive"]["action"]["buttons"]
    tapped = {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": button["reply"]}}
    deliver(meta.body(number, messages=[meta.text("", at=NOW) | tapped]))

    confirmation = answers(number.tenant)[-1]["text"]["body"]
    assert "widersprechen" in confirmation
    [path] = re.findall(r"/p/[^\s]+", confirmation)
    client.post(path, {"pair": "all"})

    assert may(number.tenant) == "withdrawn"


def test_who_stopped_offers_in_whatsapp_is_told_where_to_allow_them_again(
    number: Number, form: SignupForm, deliver: Deliver
) -> None:
    stop = meta.preference("stop", at=NOW - timedelta(minutes=5))
    deliver(meta.body(number, user_preferences=[stop]), meta.body(number, messages=[meta.text("START", at=NOW)]))
    [button] = answers(number.tenant)[0]["interactive"]["action"]["buttons"]
    tapped = {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": button["reply"]}}
    deliver(meta.body(number, messages=[meta.text("", at=NOW) | tapped]))

    assert may(number.tenant) == "meta_stop"
    assert "Angebote und Ankündigungen" in answers(number.tenant)[-1]["text"]["body"]


def test_a_hundred_requests_on_the_page_write_to_nobody_and_the_sent_token_is_answered_once(
    number: Number, form: SignupForm, deliver: Deliver, client: Client
) -> None:
    page = f"/s/{number.tenant.slug}/theke/"
    tokens = [token_in(client.post(page, {"agree": "on"}).content.decode()) for _n in range(20)]
    with tenant_scope(number.tenant):
        for _n in range(80):
            signups.start(form=form, is_extra_wanted=False, answer="", language="de", visitor={"ip": "192.0.2.1"})
    assert answers(number.tenant) == []

    sent = meta.text(message(str(tokens[7])), at=NOW)
    deliver(meta.body(number, messages=[sent]), meta.body(number, messages=[sent]))

    assert len(answers(number.tenant)) == 1
    assert may(number.tenant) == ""


def test_who_writes_the_keyword_again_and_again_is_asked_once_a_day(
    number: Number, form: SignupForm, deliver: Deliver
) -> None:
    for _n in range(5):
        deliver(meta.body(number, messages=[meta.text("START", at=NOW)]))

    assert len(answers(number.tenant)) == 1


def test_a_late_token_is_answered_with_the_way_back(
    number: Number, form: SignupForm, deliver: Deliver, client: Client
) -> None:
    token = token_in(client.post(f"/s/{number.tenant.slug}/theke/", {"agree": "on"}).content.decode())
    with tenant_scope(number.tenant):
        form.sign_ups.update(requested_at=NOW - timedelta(days=7, minutes=1))

    deliver(meta.body(number, messages=[meta.text(message(str(token)), at=NOW)]))

    assert may(number.tenant) == "no_consent"
    assert "/s/" in str(answers(number.tenant)[0]) or "/r/" in str(answers(number.tenant)[0])


def test_without_an_open_form_a_start_is_a_message_like_any_other(number: Number, deliver: Deliver) -> None:
    deliver(meta.body(number, messages=[meta.text("START", at=NOW)]))

    assert answers(number.tenant) == []
    assert may(number.tenant) == "no_consent"


def test_plain_talk_is_compared_with_the_forms_words_once_for_a_whole_batch(
    number: Number, form: SignupForm, deliver: Deliver
) -> None:
    talk = [meta.text("Danke", sender=f"4930231250{n:02}", wamid=f"wamid.{n}") for n in range(10)]

    with CaptureQueriesContext(connection) as statements:
        deliver(meta.body(number, messages=talk))

    looks = [each["sql"] for each in statements if 'FROM "consent_signupform"' in each["sql"]]
    assert len(looks) == 1
    assert answers(number.tenant) == []


def test_stopp_goes_before_signing_up(number: Number, form: SignupForm, deliver: Deliver) -> None:
    deliver(meta.body(number, messages=[meta.text("START", at=NOW)]))
    deliver(meta.body(number, messages=[meta.text("STOPP", at=NOW + timedelta(seconds=1))]))

    assert may(number.tenant) == "withdrawn"


def test_who_scans_the_code_of_a_place_and_taps_counts_for_it(
    number: Number, form: SignupForm, deliver: Deliver, client: Client
) -> None:
    with tenant_scope(number.tenant):
        place = signup_forms.add_place(form=form, name="Kasse", by=None)
    browser = {"user-agent": "Mozilla/5.0 (Android 16; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"}
    link = client.get(f"/s/{number.tenant.slug}/theke/w/{place.code}/", headers=browser)["Location"]
    [text] = parse_qs(urlsplit(link).query)["text"]

    deliver(meta.body(number, messages=[meta.text(text, at=NOW)]))
    [button] = answers(number.tenant)[0]["interactive"]["action"]["buttons"]
    tapped = {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": button["reply"]}}
    deliver(meta.body(number, messages=[meta.text("", at=NOW) | tapped]))

    assert may(number.tenant) == ""
    with tenant_scope(number.tenant):
        place.refresh_from_db()
    assert (place.scans, place.requests, place.confirmed) == (1, 1, 1)


def test_a_typed_yes_after_our_question_is_one_and_the_proof_names_both_messages(
    number: Number, form: SignupForm, deliver: Deliver
) -> None:
    write(deliver, number, "START", 0)
    with tenant_scope(number.tenant):
        question = Message.objects.get()
    write(deliver, number, "Ja", 1)

    assert may(number.tenant) == ""
    with tenant_scope(number.tenant):
        granted = ConsentEvent.objects.get(state="granted")
        proof = evidence.unseal(ConsentEvidence.objects.get(event_id=granted.event_id))
    assert proof["asked_wamid"] == question.wamid
    assert proof["wamid"].startswith("wamid.in")


def test_a_yes_that_comes_before_the_question_went_out_answers_nothing(
    number: Number, form: SignupForm, deliver: Deliver
) -> None:
    deliver(meta.body(number, messages=[meta.text("START", at=NOW)]), meta.body(number, messages=[meta.text("ok")]))

    assert may(number.tenant) == "pending"


@pytest.mark.parametrize("between", ["STOPP", "Was kostet das?", "Nein, danke"])
def test_an_ok_later_in_the_chat_signs_nobody_up(
    number: Number, form: SignupForm, deliver: Deliver, between: str
) -> None:
    for minute, words in enumerate(("START", between, "ok")):
        write(deliver, number, words, minute)

    assert may(number.tenant) == ("pending" if between == "Was kostet das?" else "withdrawn")
    assert not any("angemeldet" in str(told) for told in answers(number.tenant)[2:])


def test_a_no_is_answered_once_and_nobody_has_to_look_at_it(number: Number, form: SignupForm, deliver: Deliver) -> None:
    write(deliver, number, "START", 0)
    write(deliver, number, "Nein danke", 1)

    assert may(number.tenant) == "withdrawn"
    assert answers(number.tenant)[-1]["text"]["body"].startswith("Alles klar")
    with tenant_scope(number.tenant):
        assert not InboundMessage.objects.filter(needs_a_look=True).exists()


def test_who_stopped_and_wants_to_come_back_the_same_day_is_asked_again(
    number: Number, form: SignupForm, deliver: Deliver
) -> None:
    for minute, words in enumerate(("START", "STOPP", "START", "START")):
        write(deliver, number, words, minute)

    asked, out, again = answers(number.tenant)
    assert asked == again
    assert "abgemeldet" in out["text"]["body"]
    write(deliver, number, "Ja", 5)
    assert may(number.tenant) == ""


def test_a_new_version_of_the_wording_is_another_question(number: Number, form: SignupForm, deliver: Deliver) -> None:
    write(deliver, number, "START", 0)
    with tenant_scope(number.tenant):
        newer = published(number.tenant, 2, covers=[["whatsapp", "marketing"]])
    write(deliver, number, "START", 1)
    write(deliver, number, "Ja", 2)

    assert len([one for one in answers(number.tenant) if one["type"] == "interactive"]) == 2
    with tenant_scope(number.tenant):
        assert ConsentEvent.objects.get(state="granted").wording_version == newer


def test_a_mistyped_code_is_answered_with_the_way_to_a_new_one(
    number: Number, form: SignupForm, deliver: Deliver
) -> None:
    write(deliver, number, message("A" * 26), 0)

    assert may(number.tenant) == "no_consent"
    assert "neu an" in str(answers(number.tenant)[-1])


def test_cg_05_who_was_promised_a_voucher_that_is_gone_is_told_so_in_the_confirmation(
    number: Number, form: SignupForm, deliver: Deliver, client: Client
) -> None:
    with tenant_scope(number.tenant):
        benefit = {"benefit": "5 € Gutschein", "benefit_terms": "Ab 20 € Einkauf."}
        signup_forms.update(form=SignupForm.objects.get(), by=None, **benefit)
        vouchers.add(form=form, codes=["EINS"], by=None)
    token = token_in(client.post(f"/s/{number.tenant.slug}/theke/", {"agree": "on"}).content.decode())
    with tenant_scope(number.tenant):
        vouchers.remove(form=form, by=None)

    deliver(meta.body(number, messages=[meta.text(message(str(token)), at=NOW)]))

    confirmation = answers(number.tenant)[-1]["text"]["body"]
    assert "angemeldet" in confirmation
    assert "Dein Gutschein kommt noch" in confirmation
    path = re.findall(r"/p/[^\s]+", confirmation)[0]
    assert "kommt noch" in client.get(path, headers={"accept-language": "de"}).content.decode()
    with tenant_scope(number.tenant):
        vouchers.add(form=form, codes=["ZWEI"], by=None)
    assert "ZWEI" in client.get(path).content.decode()


def test_a_button_of_another_message_is_no_yes_to_our_question(
    number: Number, form: SignupForm, deliver: Deliver
) -> None:
    write(deliver, number, "START", 0)
    deliver(meta.body(number, messages=[meta.tap("Ja", "reply", at=NOW - timedelta(minutes=20))]))

    assert may(number.tenant) == "pending"


def test_a_yes_to_what_we_wrote_later_is_none_to_our_question(
    number: Number, form: SignupForm, deliver: Deliver
) -> None:
    write(deliver, number, "START", 0)
    ask_something_else(number)
    write(deliver, number, "Ja", 1)

    assert may(number.tenant) == "pending"


def test_a_yes_that_quotes_another_message_is_none_to_our_question(
    number: Number, form: SignupForm, deliver: Deliver
) -> None:
    write(deliver, number, "Hallo", 0)
    other = ask_something_else(number)
    write(deliver, number, "START", 1)
    quoting = meta.text("Ja", at=NOW - timedelta(minutes=20), context={"id": other})
    deliver(meta.body(number, messages=[quoting]))

    assert may(number.tenant) == "pending"


def ask_something_else(number: Number) -> str:
    """A person of the team asks something; returns Meta's id of it."""
    with tenant_scope(number.tenant):
        asked = queue_reply(
            tenant=number.tenant,
            number=number,
            contact=Contact.objects.get(),
            text="Kommen Sie morgen?",
            dedupe="something else",
            expires_at=NOW + timedelta(hours=1),
        )
    assert asked
    sent(number.tenant)
    return f"wamid.out{asked.pk}"


def test_a_yes_that_arrives_after_a_later_stopp_is_answered_by_nothing(
    number: Number, form: SignupForm, deliver: Deliver
) -> None:
    write(deliver, number, "START", 0)
    [button] = answers(number.tenant)[0]["interactive"]["action"]["buttons"]
    write(deliver, number, "STOPP", 2)
    tapped = {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": button["reply"]}}
    deliver(meta.body(number, messages=[meta.text("", at=NOW - timedelta(minutes=29)) | tapped]))

    assert may(number.tenant) == "withdrawn"
    assert len(answers(number.tenant)) == 2


def test_who_was_out_before_and_says_no_is_asked_again_when_they_want_to(
    number: Number, form: SignupForm, deliver: Deliver
) -> None:
    for minute, words in enumerate(("STOPP", "START", "Nein", "START")):
        write(deliver, number, words, minute)

    assert [one["type"] for one in answers(number.tenant)] == ["text", "interactive", "text", "interactive"]
    with tenant_scope(number.tenant):
        assert ConsentEvent.objects.filter(state="refused").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("truncatable")
def test_a_batch_with_a_stopp_and_a_sign_up_waits_for_a_contact_before_it_takes_the_ledger(
    number: Number, form: SignupForm, deliver: Deliver
) -> None:
    tenant = number.tenant
    with tenant_scope(tenant):
        ada = person(tenant, phone=PHONE)
        token = signups.start(form=form, is_extra_wanted=False, answer="", language="de", visitor={"ip": "192.0.2.1"})
    batch = meta.body(number, messages=[meta.text("STOPP", sender="491512345679"), meta.text(message(token))])
    with tenant_scope(tenant):
        # Who changes a number locks the contact first, and then writes to the ledger.
        Contact.objects.select_for_update().get(pk=ada.pk)
        others = meanwhile(tenant, lambda: deliver(batch))
        ledger.lock(tenant)
    ended(others)

    assert may(tenant) == ""
