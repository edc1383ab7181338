"""Who asks in the chat why they get messages is told so, once a day: the whole path from the webhook (R-36)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns import actions as campaigns
from campaigns import freezing
from campaigns.models import Campaign
from consent import explaining
from consent.actions import declarations, preferences
from consent.actions import people as consent_people
from consent.models import Authority, ConsentEvent, Controller, Source
from consent.queries import may_send
from contacts.actions import ContactData, move_number
from contacts.models import Contact, ContactList, ListMember
from inbox.models import InboundMessage
from messaging.models import Content, Message
from messaging.models import Source as MessageSource
from segments import actions as segments
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import agree, known, published, stop, wording_text
from tests.inbox import meta
from whatsapp.models import Number

Deliver = Callable[..., None]
NOW = timezone.now().replace(microsecond=0) - timedelta(minutes=5)
PHONE = "+493023125001"
ASKED = "Warum bekomme ich das?"
# Half past midnight of the 24th in Berlin, the 23rd in UTC.
SENT = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)


def ask(deliver: Deliver, number: Number, words: str = ASKED, **more: Any) -> None:
    deliver(meta.body(number, messages=[meta.text(words, at=NOW, **more)]))


def answers(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant):
        said = Content.objects.filter(source__kind="reply").order_by("id").values_list("free_form", flat=True)
        return [one["text"]["body"] for one in said]


def replaced(tenant: Tenant) -> None:
    """A program says that the contact has another BSUID."""
    with tenant_scope(tenant):
        consent_people.patch(contact=Contact.objects.get(), data=ContactData({"bsuid": "DE.2"}), by=None)


def waiting(tenant: Tenant) -> list[str]:
    """What people wrote that somebody has to look at."""
    with tenant_scope(tenant):
        found = InboundMessage.objects.filter(needs_a_look=True).order_by("pk")
        return list(found.values_list("text", flat=True))


def sent(tenant: Tenant, rule: dict[str, Any] | None, *, purpose: str = "marketing") -> Campaign:
    """A campaign to a segment, or to a list of everybody, which Meta has taken at SENT."""
    with tenant_scope(tenant):
        template = tenant.templates.first() or factories.template(tenant)
        campaign = campaigns.create(tenant=tenant, name="Wackelkandidaten Q4", by=None)
        chosen: dict[str, Any] = {}
        if rule is None:
            chosen["include_lists"] = [ContactList.objects.create(tenant=tenant, name="Schläfer")]
            for contact in tenant.contacts.all():
                ListMember.objects.create(tenant=tenant, list=chosen["include_lists"][0], contact=contact)
        else:
            chosen["include_segments"] = [segments.create(tenant=tenant, name="Geizige", rule=rule, by=None)]
        campaigns.set_audience(campaign=campaign, by=None, **chosen)
        campaigns.set_content(campaign=campaign, by=None, template=template, variables=factories.VARIABLES)
        campaigns.launch(campaign=campaign, by=None)
    freezing.freeze(tenant.pk, campaign.pk)
    with tenant_scope(tenant):
        campaign.refresh_from_db()
        Message.objects.filter(source=campaign.source_id).update(
            state=Message.State.READ,
            queue=Message.Queue.OUT,
            accepted_at=SENT,
            consent_seq=ConsentEvent.objects.filter(state="granted").order_by("-seq").values("seq")[:1],
        )
    return campaign


def test_the_same_words_below_a_picture_are_no_question_as_they_are_no_opt_out(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    picture = {"id": "media1", "mime_type": "image/jpeg", "caption": ASKED}
    deliver(meta.body(number, messages=[meta.text("") | {"type": "image", "image": picture}]))

    assert (answers(number.tenant), waiting(number.tenant)) == ([], [])


def test_r_36_who_asks_reads_when_how_and_to_which_text_they_agreed_how_to_stop_and_where_their_page_is(
    number: Number, anna: Contact, deliver: Deliver, client: Client
) -> None:
    ask(deliver, number)

    [told] = answers(number.tenant)
    assert "Warum du Nachrichten von Bäckerei Sonne GmbH bekommst" in told
    assert "Am 20.11.2026 in WhatsApp: Du hast uns geschrieben und ja gesagt." in told
    assert wording_text(purposes=["marketing"]) in told
    assert "Antworte mit STOPP" in told
    [path] = re.findall(r"/p/[^\s]+", told)
    assert client.get(path).status_code == 200
    with tenant_scope(number.tenant):
        assert may_send(contact=anna, channel="whatsapp", purpose="marketing").allowed
        assert Message.objects.get().source.purpose == "service"


def test_the_answer_speaks_as_the_question_does_and_addresses_people_as_the_company_does(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    with tenant_scope(number.tenant):
        known(number.tenant, address_form=Controller.AddressForm.SIE)
    ask(deliver, number, "Why am I getting this?")
    ask(deliver, number, "Woher haben Sie meine Nummer?", sender="493023125009")

    english, german = answers(number.tenant)
    assert "in WhatsApp: you wrote to us and said yes." in english
    assert re.search(r"agreed to: “[^„“]+”", english)
    assert "Answer STOP" in english
    assert "Bäckerei Sonne GmbH hat keine Zustimmung von Ihnen zu Werbung" in german


def test_who_asks_again_and_again_is_answered_once_a_day(number: Number, anna: Contact, deliver: Deliver) -> None:
    for words in (ASKED, "Woher habt ihr meine Nummer?", "why do i get this"):
        ask(deliver, number, words)

    assert len(answers(number.tenant)) == 1
    assert waiting(number.tenant) == ["Woher habt ihr meine Nummer?", "why do i get this"]


def test_a_day_is_24_hours_and_not_a_date(number: Number, anna: Contact, deliver: Deliver) -> None:
    deliver(meta.body(number, messages=[meta.text(ASKED, at=NOW - timedelta(hours=23))]))
    ask(deliver, number)
    assert len(answers(number.tenant)) == 1
    # Meta takes it for a day after the question, however late that arrived.
    with tenant_scope(number.tenant):
        assert MessageSource.objects.get().expires_at == NOW + timedelta(minutes=50)

    with tenant_scope(number.tenant):
        MessageSource.objects.update(created_at=timezone.now() - timedelta(hours=24, minutes=1))
    ask(deliver, number)
    assert len(answers(number.tenant)) == 2


def test_a_question_of_yesterday_is_answered_no_more_and_waits_for_a_look(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    deliver(meta.body(number, messages=[meta.text(ASKED, at=NOW - timedelta(hours=25))]))

    assert answers(number.tenant) == []
    assert waiting(number.tenant) == [ASKED]


def test_a_real_answer_leaves_nothing_to_look_at_and_of_who_is_unknown_somebody_looks(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    ask(deliver, number)
    assert waiting(number.tenant) == []

    ask(deliver, number, "Woher haben Sie meine Nummer?", sender="493023125009")

    assert len(answers(number.tenant)) == 2
    assert waiting(number.tenant) == ["Woher haben Sie meine Nummer?"]


def test_the_next_owner_of_a_number_reads_nothing_of_the_one_before(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    ask(deliver, number, "Hallo", from_user_id="DE.1")
    ask(deliver, number, from_user_id="DE.2")

    [told] = answers(number.tenant)
    assert "20.11.2026" not in told
    assert waiting(number.tenant) == [ASKED]
    with tenant_scope(number.tenant):
        ben = Contact.objects.get(bsuid="DE.2")
        assert preferences.url(ben) in told
        # Their own yes is all of their history.
        agree(number.tenant, ben, occurred_at=timezone.now())
        assert [origin.told for origin in explaining.origins(ben, "de") if "20.11.2026" in origin.told] == []


def test_who_may_have_come_to_a_number_before_people_were_told_apart_reads_nothing(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    ask(deliver, number, "Hallo", from_user_id="DE.1")
    replaced(number.tenant)
    ask(deliver, number, from_user_id="DE.2")

    assert answers(number.tenant) == []
    assert waiting(number.tenant) == [ASKED]

    # Their own yes makes it their own history.
    with tenant_scope(number.tenant):
        agree(number.tenant, Contact.objects.get(), occurred_at=timezone.now())
    ask(deliver, number, from_user_id="DE.2")
    assert len(answers(number.tenant)) == 1


def test_who_has_moved_by_whatsapps_own_word_is_still_the_same(number: Number, anna: Contact, deliver: Deliver) -> None:
    ask(deliver, number, "Hallo", from_user_id="DE.1")
    with tenant_scope(number.tenant):
        moved = move_number(
            contact=Contact.objects.get(),
            new_phone="+493023125002",
            new_bsuid="DE.2",
            merged=lambda kept, gone: None,
            lost=lambda old: None,
        )
        declarations.moved(tenant=number.tenant, contact=moved, old_phone=PHONE, old_bsuid="DE.1", dedupe="moved")

    ask(deliver, number, sender="493023125002", from_user_id="DE.2")

    [told] = answers(number.tenant)
    assert "Am 20.11.2026 in WhatsApp" in told


def test_whose_number_the_team_has_changed_may_be_somebody_else(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    ask(deliver, number, "Hallo", from_user_id="DE.1")
    with tenant_scope(number.tenant):
        said: dict[str, Any] = {"authority": Authority.AGENT, "source": Source.AGENT, "dedupe": "edited"}
        declarations.moved(tenant=number.tenant, contact=anna, old_bsuid="DE.1", **said)
    replaced(number.tenant)

    ask(deliver, number, from_user_id="DE.2")
    # What the team writes down later is no word of WhatsApp's either.
    with tenant_scope(number.tenant):
        declarations.moved(tenant=number.tenant, contact=anna, old_bsuid="DE.1", **said | {"dedupe": "again"})
    ask(deliver, number, "Woher habt ihr meine Nummer?", from_user_id="DE.2")

    assert answers(number.tenant) == []
    assert len(waiting(number.tenant)) == 2


def test_whoever_stops_and_asks_in_one_message_is_out_and_gets_the_confirmation_alone(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    ask(deliver, number, "Woher habt ihr meine Nummer? Ich widerspreche der Werbung per WhatsApp.")

    [told] = answers(number.tenant)
    assert "abgemeldet" in told
    with tenant_scope(number.tenant):
        assert may_send(contact=anna, channel="whatsapp", purpose="marketing").reason == "objected"


def test_an_unclear_wish_beside_the_question_still_waits_for_a_look(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    ask(deliver, number, "Warum bekomme ich das? Das stoppt ihr!")

    assert answers(number.tenant) == []
    assert waiting(number.tenant) == ["Warum bekomme ich das? Das stoppt ihr!"]


@pytest.mark.parametrize("words", ["Warum bekomme ich das? STOPP", "Why am I getting this? Unsubscribe."])
def test_a_no_beside_the_question_is_a_no(number: Number, anna: Contact, deliver: Deliver, words: str) -> None:
    ask(deliver, number, words)

    [told] = answers(number.tenant)
    assert "abgemeldet" in told
    with tenant_scope(number.tenant):
        assert may_send(contact=anna, channel="whatsapp", purpose="marketing").reason == "withdrawn"


def test_art_18_who_is_restricted_learns_that_and_the_way_to_their_page(
    number: Number, anna: Contact, deliver: Deliver, client: Client
) -> None:
    sent(number.tenant, {})
    with tenant_scope(number.tenant):
        Contact.objects.update(restricted_at=NOW)

    ask(deliver, number)

    [told] = answers(number.tenant)
    assert "Deine Daten sind gesperrt" in told
    assert "Kampagne" not in told
    [path] = re.findall(r"/p/[^\s]+", told)
    assert "Kampagne" not in client.get(f"{path}?lang=de").content.decode()


def test_however_long_the_texts_are_the_answer_fits_into_a_message(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    tenant = number.tenant
    with tenant_scope(tenant):
        for purpose, source in (("survey", Source.API), ("tracking", Source.AGENT), ("special_category", Source.QR)):
            texts = {"de": f"Ja, {purpose}. " * 250}
            long = published(tenant, name=purpose, texts=texts, covers=[["whatsapp", purpose]])
            agree(tenant, anna, wording=long, language="de", source=source)

    ask(deliver, number)

    [told] = answers(number.tenant)
    assert len(told) <= 4096
    assert "/p/" in told


@pytest.mark.parametrize(("source", "is_told"), [(Source.API, True), (Source.IMPORT, False)])
def test_a_long_source_is_cut_short_and_what_a_list_is_called_stays_out_of_the_chat(
    number: Number, anna: Contact, deliver: Deliver, client: Client, source: str, is_told: bool
) -> None:
    named = "Nörglerliste " + "lang " * 600
    with tenant_scope(number.tenant):
        more = published(number.tenant, name="more", covers=[["whatsapp", "survey"]])
        proof = {"source": named, "consent.source": named}
        agree(
            number.tenant, anna, wording=more, language="de", source=source, evidence=proof, authority=Authority.IMPORT
        )

    ask(deliver, number)

    [told] = answers(number.tenant)
    assert ("Nörglerliste" in told) is is_told
    assert told.count("lang ") < 40
    assert len(told) <= 4096
    [path] = re.findall(r"/p/[^\s]+", told)
    assert "Nörglerliste" in client.get(f"{path}?lang=de").content.decode()


def test_origins_give_way_until_the_answer_fits_and_the_link_stays(
    number: Number, anna: Contact, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explaining, "LONGEST_IN_CHAT", 400)

    ask(deliver, number)

    [told] = answers(number.tenant)
    assert len(told) <= 400
    assert wording_text(purposes=["marketing"]) not in told
    assert "/p/" in told


def test_who_has_agreed_to_mail_alone_reads_that_there_is_no_yes_here_and_what_allowed_the_campaign(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    sent(number.tenant, {})
    with tenant_scope(number.tenant):
        by_mail = published(number.tenant, name="mail", covers=[["email", "marketing"]])
        agree(number.tenant, anna, wording=by_mail, language="de")
        stop(number.tenant, anna, occurred_at=NOW - timedelta(hours=1))

    ask(deliver, number)

    [told] = answers(number.tenant)
    assert "keine Zustimmung von dir zu Werbung in WhatsApp" in told
    assert "eine Zustimmung, die nicht mehr gilt" in told
    assert "STOPP" not in told


def test_companies_answer_for_themselves(number: Number, shop_number: Number, anna: Contact, deliver: Deliver) -> None:
    deliver(
        meta.body(shop_number, messages=[meta.text(ASKED, at=NOW)]),
        path=f"{meta.PATH}{shop_number.account.uid}/",
        secret="the shop's secret",
    )

    assert answers(number.tenant) == []
    assert "Bäckerei" not in answers(shop_number.tenant)[0]
