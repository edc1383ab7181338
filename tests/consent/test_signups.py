"""Signing up: the box on the page, the message that confirms it, and everything that is not a yes (CG-11 to CG-14)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from consent.actions import hearing, signup_forms, signups, vouchers
from consent.models import (
    ConsentEvent,
    ConsentState,
    SignupForm,
    SignupPlace,
    SignupRequest,
    WordingVersion,
)
from consent.queries import keywords_among, may_send
from consent.rights import keeping
from consent.signups import message, token_in
from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import open_form, person, published, stop

pytestmark = pytest.mark.usefixtures("as_runtime")

MARKETING = {"channel": "whatsapp", "purpose": "marketing"}
# A phone that scans a code, as its browser names itself; without a name nobody is taken for a person.
PHONE = {"user-agent": "Mozilla/5.0 (Android 16; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"}


@pytest.fixture
def wording(in_bakery: Tenant) -> WordingVersion:
    return published(in_bakery, covers=[["whatsapp", "marketing"]])


@pytest.fixture
def form(in_bakery: Tenant, wording: WordingVersion) -> SignupForm:
    return open_form(in_bakery, wording)


def page(form: SignupForm, place: SignupPlace | None = None) -> str:
    return f"/s/{form.tenant.slug}/{form.slug}/" + (f"?o={place.code}" if place else "")


def tick(client: Client, form: SignupForm, place: SignupPlace | None = None, **fields: str | list[str]) -> str:
    """Tick the box on the page; returns the token that the next page asks to send."""
    answer = client.post(page(form, place), {"agree": "on", **fields})
    assert answer.status_code == 200, answer.content.decode()
    token = token_in(answer.content.decode())
    assert token
    return token


def write(
    contact: Contact, text: str, *, payload: str = "", later: timedelta = timedelta(0), **before: Any
) -> signups.Heard | None:
    """A message; `before` is what stands before it in the chat: our question, and when the person wrote last."""
    said = signups.Said(f"wamid.{text}.{later}", text, timezone.now() + later, "20001", payload, **before)
    named = keywords_among(contact.tenant, [text])
    return hearing.hear(tenant=contact.tenant, contact=contact, said=said, is_start=text == "START", named=named)


def button(form: SignupForm) -> str:
    """The payload of the button under the wording."""
    return f"optin:{form.uid}:{form.wording.versions.get().pk}"


def tap(contact: Contact) -> signups.Heard | None:
    """The button under the wording that the person was shown last."""
    asked = ConsentEvent.objects.filter(subject_id=contact.subject_id, state="requested").latest("seq")
    form = SignupForm.objects.get(wording__versions=asked.wording_version)
    return write(contact, "Ja, anmelden", payload=button(form))


def may(contact: Contact, **pair: str) -> str:
    return may_send(contact=contact, **(MARKETING | pair)).reason


@pytest.mark.usefixtures("in_bakery")
def test_cg_13_the_token_of_the_page_confirms_by_the_persons_own_message(client: Client, form: SignupForm) -> None:
    anna = person(form.tenant)
    token = tick(client, form)
    assert may(anna) == "no_consent"

    heard = write(anna, message(token))

    assert heard
    assert heard.outcome == "confirmed"
    assert may(anna) == ""
    asked, granted = ConsentEvent.objects.filter(subject_id=anna.subject_id).order_by("seq")
    assert (asked.state, granted.state, granted.authority) == ("requested", "granted", 3)
    assert granted.doi_request_seq == asked.seq
    assert granted.wording_version == form.wording.versions.get()
    assert asked.source_ref == "form theke"


@pytest.mark.usefixtures("in_bakery")
def test_cg_02_without_the_box_nothing_is_asked_and_the_page_says_why(client: Client, form: SignupForm) -> None:
    shown = client.get(page(form)).content.decode()
    assert re.search(r'name="agree"[^>]*>', shown)
    assert "checked" not in shown

    answer = client.post(page(form), {})

    assert answer.status_code == 422
    assert "Häkchen" in answer.content.decode()
    assert not SignupRequest.objects.exists()


@pytest.mark.usefixtures("in_bakery")
def test_cg_14_a_token_is_good_once_and_for_seven_days(client: Client, form: SignupForm) -> None:
    anna, ben = person(form.tenant), person(form.tenant)
    token = tick(client, form)
    write(anna, message(token))

    again, by_another = write(anna, message(token), later=timedelta(minutes=1)), write(ben, message(token))
    assert again
    assert by_another
    assert (again.outcome, by_another.outcome) == ("known", "late")
    assert may(ben) == "no_consent"

    late = write(ben, message(tick(client, form)), later=timedelta(days=7, minutes=1))
    assert late
    assert late.outcome == "late"
    assert may(ben) == "no_consent"


@pytest.mark.usefixtures("in_bakery")
def test_a_text_that_was_declared_invalid_meanwhile_is_agreed_to_by_nobody(client: Client, form: SignupForm) -> None:
    anna = person(form.tenant)
    token = tick(client, form)
    form.wording.versions.update(invalid_reason="The company was not named.")

    heard = write(anna, message(token))

    assert heard
    assert heard.outcome == "late"
    assert may(anna) == "no_consent"


@pytest.mark.usefixtures("in_bakery")
def test_a_token_that_nobody_knows_is_answered_with_the_way_to_a_new_one(form: SignupForm) -> None:
    anna = person(form.tenant)

    heard = write(anna, message("A" * 26))

    assert heard
    assert (heard.outcome, heard.form) == ("late", form)
    assert may(anna) == "no_consent"


@pytest.mark.usefixtures("in_bakery")
def test_the_request_proves_itself_in_the_ledger_and_keeps_nothing_beside_it(client: Client, form: SignupForm) -> None:
    anna = person(form.tenant)
    place = signup_forms.add_place(form=form, name="Schaufenster", by=None)
    client.get(page(form, place), headers=PHONE)
    token = tick(client, form, place)
    kept = SignupRequest.objects.get()
    assert token not in kept.token_digest
    assert "127.0.0.1" not in kept.sealed

    write(anna, message(token))

    kept.refresh_from_db()
    place.refresh_from_db()
    form.refresh_from_db()
    assert kept.sealed == ""
    assert (place.scans, place.requests, place.confirmed) == (1, 1, 1)
    assert (form.requests, form.confirmed) == (1, 1)
    asked = ConsentEvent.objects.get(state="requested")
    assert asked.source == "qr"
    assert asked.source_ref == f"form theke, {place.code}"


@pytest.mark.usefixtures("in_bakery")
def test_behind_a_proxy_the_proof_names_the_visitor_and_nobody_is_counted_for_another(
    client: Client, form: SignupForm, settings: Settings
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

    statuses = [
        client.post(page(form), {"agree": "on"}, headers={"X-Forwarded-For": f"198.51.100.9, 192.0.2.{n}"}).status_code
        for n in range(40)
    ]
    from_one = [
        client.post(
            page(form), {"agree": "on"}, headers={"X-Forwarded-For": f"198.51.100.{n}, 192.0.2.200"}
        ).status_code
        for n in range(31)
    ]

    assert set(statuses) == {200}
    assert from_one == [200] * 30 + [429]


@pytest.mark.usefixtures("in_bakery")
def test_cg_05_a_voucher_is_given_once_after_the_confirmation_and_stays(
    client: Client, in_bakery: Tenant, wording: WordingVersion
) -> None:
    form = open_form(in_bakery, wording, benefit="5 € Gutschein", benefit_terms="Ab 20 € Einkauf, bis Jahresende.")
    assert vouchers.add(form=form, codes=["EINS", "ZWEI", "EINS"], by=None) == 2
    anna, ben, clara = (person(in_bakery) for _n in range(3))

    codes = [getattr(write(who, message(tick(client, form))), "code", None) for who in (anna, ben, clara)]
    again = write(anna, message(tick(client, form)))

    assert codes == ["EINS", "ZWEI", ""]
    assert again
    assert again.code == "EINS"


@pytest.mark.usefixtures("in_bakery")
def test_the_wording_stands_above_the_benefit(client: Client, in_bakery: Tenant, wording: WordingVersion) -> None:
    form = open_form(in_bakery, wording, benefit="5 € Gutschein", benefit_terms="Ab 20 € Einkauf.", without_code=True)

    shown = client.get(page(form)).content.decode()

    assert shown.index(wording.texts["de"][:30]) < shown.index("5 € Gutschein") < shown.index("Ab 20 € Einkauf")


@pytest.mark.usefixtures("in_bakery")
def test_the_answer_of_the_question_lands_where_segments_find_it(
    client: Client, in_bakery: Tenant, wording: WordingVersion
) -> None:
    form = open_form(
        in_bakery,
        wording,
        question="choice",
        question_label="Was magst du am liebsten?",
        question_answers=["Brot", "Kuchen"],
        question_attribute="lieblings",
    )
    anna = person(in_bakery)

    assert client.post(page(form), {"agree": "on", "answer": "Fisch"}).status_code == 422
    write(anna, message(tick(client, form, answer="Kuchen")))

    anna.refresh_from_db()
    assert anna.attributes["lieblings"] == "Kuchen"


@pytest.mark.usefixtures("in_bakery")
def test_cg_07_the_page_takes_no_sign_up_of_a_child(client: Client, in_bakery: Tenant, wording: WordingVersion) -> None:
    form = open_form(in_bakery, wording, question="birthday", question_label="Wann hast du Geburtstag?")
    child = (timezone.localdate() - timedelta(days=15 * 365)).isoformat()

    refused = client.post(page(form), {"agree": "on", "answer": child})

    assert refused.status_code == 422
    assert "ab 16 Jahren" in refused.content.decode()
    assert not SignupRequest.objects.exists()
    assert tick(client, form, answer="1990-05-01")


@pytest.mark.usefixtures("in_bakery")
@pytest.mark.parametrize(("language", "asked"), [("de", "Postleitzahl"), ("en", "Postcode")])
def test_a_question_without_words_of_its_own_says_what_is_asked_for(
    client: Client, in_bakery: Tenant, wording: WordingVersion, language: str, asked: str
) -> None:
    form = open_form(in_bakery, wording, question="postcode")

    shown = client.get(page(form), headers={"accept-language": language}).content.decode()

    assert f'<label for="id_answer">{asked} <' in shown


@pytest.mark.usefixtures("in_bakery")
def test_cg_11_a_message_on_whatsapp_confirms_nothing_for_an_address(client: Client, in_bakery: Tenant) -> None:
    both = published(in_bakery, covers=[["whatsapp", "marketing"], ["email", "marketing"]])
    form = open_form(in_bakery, both)
    anna = person(in_bakery, email="anna@example.com")

    write(anna, message(tick(client, form, email="anna@example.com")))

    assert may(anna) == ""
    assert may(anna, channel="email") == "pending"


@pytest.mark.usefixtures("in_bakery")
def test_a_wording_that_does_not_fit_into_whatsapp_whole_is_refused(in_bakery: Tenant) -> None:
    long = published(in_bakery, covers=[["whatsapp", "marketing"]], texts={"de": "Ja, per WhatsApp. " * 60})

    with pytest.raises(ValidationError, match="Kürzen"):
        open_form(in_bakery, long)


@pytest.mark.usefixtures("in_bakery")
def test_a_wording_that_covers_nothing_on_whatsapp_is_refused(in_bakery: Tenant) -> None:
    with pytest.raises(ValidationError, match="WhatsApp"):
        open_form(in_bakery, published(in_bakery, covers=[["email", "marketing"]]))


@pytest.mark.usefixtures("in_bakery")
def test_the_second_box_is_free(client: Client, in_bakery: Tenant, wording: WordingVersion) -> None:
    measuring = published(in_bakery, name="Messen", covers=[["whatsapp", "tracking"]])
    form = open_form(in_bakery, wording, extra_wording=measuring.wording)
    anna, ben = person(in_bakery), person(in_bakery)

    write(anna, message(tick(client, form)))
    write(ben, message(tick(client, form, extra="on")))

    assert may(anna) == may(ben) == ""
    tracked = ConsentState.objects.filter(purpose="tracking", state="granted").values_list("subject_id", flat=True)
    assert list(tracked) == [ben.subject_id]


@pytest.mark.usefixtures("in_bakery")
def test_who_said_stopp_comes_back_by_their_own_message_only(client: Client, form: SignupForm) -> None:
    anna = person(form.tenant)
    stop(form.tenant, anna)
    assert may(anna) == "withdrawn"

    write(anna, message(tick(client, form)), later=timedelta(seconds=5))

    assert may(anna) == ""


@pytest.mark.usefixtures("in_bakery")
def test_cg_38_the_page_sets_no_cookie_and_loads_nothing_from_strangers(client: Client, form: SignupForm) -> None:
    answer = client.get(page(form))

    assert not answer.cookies
    shown = answer.content.decode()
    assert "<script" not in shown
    # Links lead to strangers, such as the company's own imprint; nothing is fetched from them.
    loaded = re.sub(r"<a\s[^>]*>", "", shown)
    assert re.findall(r'(?:src|href|url)\W{1,2}(https?://[^"]*)"', loaded) == []


@pytest.mark.usefixtures("in_bakery")
def test_a_closed_form_says_so_and_a_draft_does_not_exist(client: Client, form: SignupForm) -> None:
    signup_forms.close(form=form, by=None)
    assert client.get(page(form)).status_code == 410
    assert client.post(page(form), {"agree": "on"}).status_code == 410
    SignupForm.objects.update(state="draft")
    assert client.get(page(form)).status_code == 404


@pytest.mark.usefixtures("in_bakery")
def test_programs_that_fill_in_everything_get_nothing(client: Client, form: SignupForm) -> None:
    assert client.post(page(form), {"agree": "on", "website": "https://spam.example"}).status_code == 422
    assert not SignupRequest.objects.exists()


@pytest.mark.usefixtures("in_bakery")
def test_people_whose_browser_fills_in_everything_are_told_what_helps(client: Client, form: SignupForm) -> None:
    answer = client.post(page(form), {"agree": "on", "website": "https://anna.example"})

    told = answer.content.decode()
    assert re.search(r'role="alert">[^<]*beim automatischen Ausfüllen', told)
    # What they have to do is to send it once more: the box is ticked, the field is empty again.
    assert re.search(r'name="agree"[^>]*checked', told)
    assert "https://anna.example" not in told


def test_requests_are_deleted_after_fourteen_days(client: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        form = open_form(bakery, published(bakery, covers=[["whatsapp", "marketing"]]))
        tick(client, form)
        tick(client, form)
        old = SignupRequest.objects.order_by("pk")[:1].get()
        SignupRequest.objects.filter(pk=old.pk).update(requested_at=timezone.now() - timedelta(days=14, minutes=1))

    keeping.keep(bakery)

    with tenant_scope(bakery):
        assert SignupRequest.objects.count() == 1
