"""Signing up in the chat: a keyword is answered by a question, and only what answers it is a yes or a no (§ 7)."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from consent import speaking
from consent.actions import vouchers
from consent.ledger import evidence
from consent.models import ConsentEvent, ConsentEvidence, SignupForm, WordingVersion
from consent.signups import message
from tenants.models import Tenant
from tests.consent.factories import agree, open_form, person, published, stop
from tests.consent.test_signups import button, may, tick, write

pytestmark = pytest.mark.usefixtures("as_runtime")


@pytest.fixture
def wording(in_bakery: Tenant) -> WordingVersion:
    return published(in_bakery, covers=[["whatsapp", "marketing"]])


@pytest.fixture
def form(in_bakery: Tenant, wording: WordingVersion) -> SignupForm:
    return open_form(in_bakery, wording)


@pytest.mark.usefixtures("in_bakery")
def test_cg_13_a_keyword_shows_the_wording_and_only_the_tap_grants(form: SignupForm) -> None:
    anna = person(form.tenant)

    asked = write(anna, "START")
    assert asked
    assert asked.outcome == "asked"
    assert may(anna) == "pending"

    tapped = write(anna, "Ja, anmelden", payload=button(form))
    assert tapped
    assert tapped.outcome == "confirmed"
    assert may(anna) == ""


@pytest.mark.usefixtures("in_bakery")
@pytest.mark.parametrize("ending", ["https://sonne.example/daten", "https://sonne.example/daten."])
def test_the_question_names_the_notice_once(in_bakery: Tenant, ending: str) -> None:
    notice = "https://sonne.example/daten"
    version = published(in_bakery, texts={"de": f"Ja, gern. Datenschutz: {ending}"}, policy_url=notice)
    assert speaking.question(in_bakery, "de", version).count(notice) == 1

    version.policy_url = "https://sonne.example/date"
    assert "\nhttps://sonne.example/date\n" in speaking.question(in_bakery, "de", version)


def test_a_yes_counts_only_as_the_answer_to_our_question(form: SignupForm) -> None:
    anna, ben = person(form.tenant), person(form.tenant)
    write(anna, "START")

    assert write(ben, "Ja", question=button(form)) is None
    assert write(anna, "Ja") is None
    assert (may(anna), may(ben)) == ("pending", "no_consent")
    answered = write(anna, "ja!", question=button(form))
    assert answered
    assert answered.outcome == "confirmed"
    assert write(ben, "Ja", payload=button(form)).outcome == "late"  # type: ignore[union-attr]
    assert may(ben) == "no_consent"


@pytest.mark.usefixtures("in_bakery")
@pytest.mark.parametrize("payload", [True, False], ids=["tapped", "typed"])
def test_an_old_question_is_answered_once_and_a_stopp_ends_it(form: SignupForm, payload: bool) -> None:
    anna, ben = person(form.tenant), person(form.tenant)
    answer = {"payload": button(form)} if payload else {"question": button(form)}
    for contact in (anna, ben):
        write(contact, "START")
    write(anna, "Ja", later=timedelta(minutes=1), **answer)
    for contact in (anna, ben):
        stop(form.tenant, contact, occurred_at=timezone.now())

    heard = [write(contact, "ok", later=timedelta(minutes=3), **answer) for contact in (anna, ben)]

    assert [one and one.outcome for one in heard] == (["late", "late"] if payload else [None, None])
    assert (may(anna), may(ben)) == ("withdrawn", "withdrawn")


@pytest.mark.usefixtures("in_bakery")
def test_a_typed_yes_counts_as_the_next_word_only(form: SignupForm) -> None:
    anna = person(form.tenant)
    write(anna, "START")
    chatted = timezone.now() + timedelta(minutes=1)

    assert write(anna, "ok", later=timedelta(minutes=2), question=button(form), previous_at=chatted) is None
    assert may(anna) == "pending"

    assert write(anna, "Ja, anmelden", later=timedelta(minutes=3), payload=button(form), previous_at=chatted)
    assert may(anna) == ""


@pytest.mark.usefixtures("in_bakery")
def test_a_no_to_our_question_is_recorded_and_nobody_else_may_say_yes_for_them(form: SignupForm) -> None:
    anna = person(form.tenant)
    write(anna, "START")

    refused = write(anna, "Nein, danke", later=timedelta(minutes=1), question=button(form), question_wamid="wamid.q")

    assert refused
    assert refused.outcome == "refused"
    assert may(anna) == "withdrawn"
    row = ConsentEvent.objects.get(subject_id=anna.subject_id, state="refused")
    assert row.doi_request_seq == ConsentEvent.objects.get(state="requested").seq
    agree(form.tenant, anna, authority=0, source="import")
    assert may(anna) == "withdrawn"
    assert write(anna, "Ja", later=timedelta(minutes=2), question=button(form)) is None

    again = write(anna, "START", later=timedelta(minutes=3))
    assert again
    assert (again.outcome, again.since) == ("asked", row.seq)
    write(anna, "Ja, anmelden", later=timedelta(minutes=4), payload=button(form))
    assert may(anna) == ""


@pytest.mark.usefixtures("in_bakery")
def test_a_no_to_more_ends_nothing_that_was_agreed_to_before(form: SignupForm, in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    more = published(in_bakery, name="Mehr", covers=[["whatsapp", "special_category"]])
    agree(in_bakery, anna)
    form = open_form(in_bakery, more, slug="mehr", keyword="mehr")
    write(anna, "mehr")

    # Nobody is told that they get no advertising who goes on getting it.
    assert write(anna, "nein", later=timedelta(minutes=1), question=button(form)) is None

    assert may(anna) == ""
    assert may(anna, purpose="special_category") == "withdrawn"


@pytest.mark.usefixtures("in_bakery")
def test_the_proof_keeps_what_was_asked_and_promised_whatever_the_form_says_later(
    client: Client, in_bakery: Tenant, wording: WordingVersion
) -> None:
    form = open_form(
        in_bakery, wording, intro="Einmal im Monat.", benefit="5 € Gutschein", benefit_terms="Ab 20 € Einkauf."
    )
    vouchers.add(form=form, codes=["EINS", "ZWEI"], by=None)
    anna, ben = person(in_bakery), person(in_bakery)
    write(anna, message(tick(client, form)))
    write(ben, "START")
    write(ben, "Ja, anmelden", payload=button(form), question=button(form), question_wamid="wamid.question")

    on_page, in_chat, granted = (
        evidence.unseal(ConsentEvidence.objects.get(event_id=row.event_id))
        for row in (
            ConsentEvent.objects.get(subject_id=anna.subject_id, state="requested"),
            *ConsentEvent.objects.filter(subject_id=ben.subject_id).order_by("seq"),
        )
    )

    assert on_page["intro"] == "Einmal im Monat."
    assert [shown["benefit_terms"] for shown in (on_page, in_chat)] == ["Ab 20 € Einkauf."] * 2
    assert in_chat["asked"] == speaking.question(in_bakery, "de", wording)
    assert granted["asked_wamid"] == "wamid.question"


@pytest.mark.usefixtures("in_bakery")
def test_a_general_word_is_for_the_form_of_the_number_that_was_written_to(
    in_bakery: Tenant, wording: WordingVersion
) -> None:
    first, second = (open_form(in_bakery, wording, slug=f"laden-{n}", number=f"+49302312500{n}") for n in (1, 2))

    numbers = (second.number, first.number, "+4930999999")
    heard = [write(person(in_bakery), "START", number=number) for number in numbers]

    assert [one and one.form for one in heard] == [second, first, first]


@pytest.mark.usefixtures("in_bakery")
def test_who_is_signed_up_already_is_told_so_and_not_asked_again(form: SignupForm) -> None:
    anna = person(form.tenant)
    write(anna, "START")
    write(anna, "Ja", question=button(form))

    again = write(anna, "START", later=timedelta(minutes=1))

    assert again
    assert again.outcome == "known"
    assert ConsentEvent.objects.filter(state="requested").count() == 1


@pytest.mark.usefixtures("in_bakery")
def test_a_yes_that_the_suppression_list_outweighs_is_asked_for_anew_and_opened_by_the_tap(form: SignupForm) -> None:
    anna, other = (person(form.tenant, email="haus@example.com", phone=f"+49151234567{n}0") for n in (1, 2))
    agree(form.tenant, anna)
    stop(form.tenant, other, is_all=True, occurred_at=timezone.now())
    assert may(anna) == "suppressed"

    asked = write(anna, "START")
    assert asked
    assert asked.outcome == "asked"
    write(anna, "Ja, anmelden", payload=button(form), later=timedelta(seconds=1))

    assert may(anna) == ""


@pytest.mark.usefixtures("in_bakery")
def test_a_yes_whose_last_day_has_passed_is_asked_for_anew(form: SignupForm) -> None:
    anna = person(form.tenant)
    agree(form.tenant, anna, valid_until=timezone.now() - timedelta(days=1))

    asked = write(anna, "START")

    assert asked
    assert asked.outcome == "asked"


@pytest.mark.usefixtures("in_bakery")
def test_by_keyword_nothing_is_requested_that_only_a_mail_could_confirm_and_a_no_counts_for_all_of_it(
    in_bakery: Tenant,
) -> None:
    both = published(in_bakery, name="Beides", covers=[["email", "marketing"], ["whatsapp", "marketing"]])
    form = open_form(in_bakery, both)
    anna = person(in_bakery, email="anna@example.com")

    write(anna, "START")

    assert list(ConsentEvent.objects.values_list("channel", "state")) == [("whatsapp", "requested")]
    write(anna, "Nein", later=timedelta(minutes=1), question=button(form))
    assert (may(anna), may(anna, channel="email")) == ("withdrawn", "withdrawn")
