"""CG-07: no advertising to anybody younger than 16, nor, if the company wants, to those whose age nobody knows."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils.timezone import now

from campaigns import freezing
from consent import queries
from consent.actions import controllers
from consent.ledger import projecting
from consent.linting import ages
from consent.models import ConsentEvent, ConsentState
from consent.queries import may_send
from contacts.importing import noting, reasons
from contacts.models import Contact, Import
from messaging import claiming
from messaging.budget import Budget
from messaging.measuring import is_measured
from messaging.models import Message
from segments import queries as segments
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.analytics.cast import messages_of, source_of
from tests.campaigns.cast import draft, launch, messages
from tests.consent.factories import agree, person, published, say
from tests.consent.imports import done
from tests.consent.test_api import YES
from tests.contacts.calls import Caller

SAID = "Ja, ich möchte per WhatsApp Angebote von der Bäckerei erhalten."
OF_AGE = f"{SAID} Ich bin mindestens 16 Jahre alt."


@pytest.fixture(autouse=True)
def demanding(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        controllers.update(tenant=bakery, by=None, demands_age=True)


def reason(contact: Contact, purpose: str = "marketing") -> str:
    return may_send(contact=contact, channel="whatsapp", purpose=purpose).reason


@pytest.mark.parametrize(
    ("texts", "is_said"),
    [
        ([OF_AGE], True),
        ([OF_AGE, "Yes, please. I am at least 16 years old."], True),
        ([OF_AGE, "Yes, please."], False),
        ([SAID], False),
        (["Ja, ab 16 Uhr per WhatsApp."], False),
        ([""], False),
        ([], False),
    ],
)
def test_a_text_says_the_age_when_whatever_people_have_read_of_it_does(texts: list[str], is_said: bool) -> None:
    assert ages.says_age(texts) is is_said


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"wording_text": OF_AGE}, ""),
        ({"wording_text": SAID}, "age_unknown"),
        ({"wording_text": SAID, "age_confirmed": True}, ""),
        ({"wording_text": OF_AGE, "age_confirmed": False}, "minor"),
    ],
)
def test_the_age_is_what_the_person_confirmed_else_what_the_text_says(
    in_bakery: Tenant, said: dict[str, Any], refused: str
) -> None:
    anna = person(in_bakery)

    agree(in_bakery, anna, **{"age_confirmed": None, **said})

    assert reason(anna) == refused


def test_where_the_company_does_not_demand_it_a_yes_that_says_nothing_of_the_age_counts(in_bakery: Tenant) -> None:
    controllers.update(tenant=in_bakery, by=None, demands_age=False)
    anna, bert = person(in_bakery), person(in_bakery)

    agree(in_bakery, anna, age_confirmed=None)
    agree(in_bakery, bert, age_confirmed=False)

    assert (reason(anna), reason(bert)) == ("", "minor")


def test_a_published_text_that_asks_for_the_age_confirms_it(in_bakery: Tenant) -> None:
    anna = person(in_bakery)

    agree(in_bakery, anna, wording=published(in_bakery), age_confirmed=None)

    assert reason(anna) == ""
    assert ConsentEvent.objects.get().age_confirmed is True


def test_order_updates_go_to_those_whose_age_nobody_knows(in_bakery: Tenant) -> None:
    anna = person(in_bakery)

    agree(in_bakery, anna, pairs=[("whatsapp", "transactional"), ("whatsapp", "marketing")], age_confirmed=None)

    assert (reason(anna, "transactional"), reason(anna)) == ("", "age_unknown")


def test_a_yes_of_a_child_does_not_count_and_turning_16_does_not_mend_it(in_bakery: Tenant) -> None:
    young = person(in_bakery, birthday=now().date() - timedelta(days=16 * 365 - 100))
    agree(in_bakery, young, occurred_at=now())
    grown = person(in_bakery, birthday=date(2009, 5, 1))
    agree(in_bakery, grown, occurred_at=datetime(2025, 4, 30, 12, tzinfo=UTC))

    assert (reason(young), reason(grown)) == ("minor", "minor")

    agree(in_bakery, grown, occurred_at=now())

    assert reason(grown) == ""


# The first minutes of that day in Berlin, too.
@pytest.mark.parametrize("at", [datetime(2026, 5, 1, 12, tzinfo=UTC), datetime(2026, 4, 30, 22, 5, tzinfo=UTC)])
def test_who_turns_16_on_the_day_is_old_enough(in_bakery: Tenant, at: datetime) -> None:
    anna = person(in_bakery, birthday=date(2010, 5, 1))

    agree(in_bakery, anna, occurred_at=at)

    assert reason(anna) == ""


def test_the_api_says_what_is_missing_and_takes_it_later(alice: Caller, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna = person(bakery)
    silent = {**YES, "wording_text": SAID}
    alice.post(f"contacts/{anna.uid}/consents/", silent)

    may = alice.get(f"contacts/{anna.uid}/may-send/").json()

    assert (may["allowed"], may["reason"]) == (False, "age_unknown")
    assert "age_confirmed" in may["remedy"]["en"]

    alice.post(f"contacts/{anna.uid}/consents/", {**silent, "age_confirmed": True})

    assert alice.get(f"contacts/{anna.uid}/may-send/").json()["allowed"] is True


def test_the_estimate_the_freeze_and_the_claim_find_the_same(alice: Caller, bakery: Tenant) -> None:
    people = factories.contacts(bakery, 3)
    with tenant_scope(bakery):
        unknown = person(bakery)
        agree(bakery, unknown, age_confirmed=None)
        Contact.objects.filter(pk=people[0].pk).update(birthday=now().date() - timedelta(days=15 * 365))
    campaign = draft(bakery, [*people, unknown])

    found = alice.get(f"campaigns/{campaign.uid}/estimate/").json()
    launch(campaign)
    freezing.freeze(bakery.pk, campaign.pk)

    expected = {"minor": 1, "age_unknown": 1}
    assert {row["code"]: row["people"] for row in found["reasons"]} == expected
    assert {row["text"] for row in found["reasons"]} == {"Younger than 16", "Age not confirmed"}
    assert [message.reason for message in messages(campaign)] == ["minor", "", "", "age_unknown"]

    # A birthday that becomes known between the freeze and the moment of sending.
    with tenant_scope(bakery):
        Contact.objects.filter(pk=people[1].pk).update(birthday=now().date() - timedelta(days=15 * 365))
        Message.objects.update(next_attempt_at=now() - timedelta(minutes=1))
        number = bakery.numbers.select_related("account").get()
    claimed = claiming.claim(number=number, source_id=messages(campaign)[0].source_id, most=5, budget=Budget(number))

    assert len(claimed) == 1
    assert [message.reason for message in messages(campaign)] == ["minor", "minor", "", "age_unknown"]


HEADER = "Handy;Vorname;Geburtstag;Einwilligung am;Einwilligungsquelle;Wortlaut;Nachweis;Mindestalter bestätigt"
LINES = [
    f"0151 23456780;Anna;;01.02.2025;Laden;{OF_AGE};Blatt 1;",
    f"0151 23456781;Bernd;;01.02.2025;Laden;{SAID};Blatt 2;",
    f"0151 23456782;Cara;;01.02.2025;Laden;{SAID};Blatt 3;ja",
    f"0151 23456783;Dora;;01.02.2025;Laden;{OF_AGE};Blatt 4;nein",
    f"0151 23456784;Emil;03.02.2009;01.02.2025;Laden;{OF_AGE};Blatt 5;ja",
    f"0151 23456785;Frida;01.02.2009;01.02.2025;Laden;{OF_AGE};Blatt 6;",
    f"0151 23456786;Gerd;;01.02.2025;Laden;{SAID};Blatt 7;vielleicht",
]
COMPLETE = (
    "Handy;Einwilligung am;Einwilligungsquelle;Wortlaut;Nachweis;Mindestalter bestätigt\n"
    f"0151 23456780;01.02.2025;Laden;{SAID};Blatt 1;ja\n"
)
FILE = "\n".join([HEADER, *LINES]) + "\n"


def told(imported: Import) -> dict[str, str]:
    """What is said of each line whose consent cannot be used, by first name."""
    _header, *rows = noting.noted_rows(imported.tenant, imported)
    return {row[1]: row[-1] for row in rows}


@pytest.mark.parametrize("is_dry_run", [True, False])
def test_an_import_says_line_by_line_whose_age_is_missing(bakery: Tenant, is_dry_run: bool) -> None:
    imported = done(bakery, FILE, is_dry_run=is_dry_run)

    assert imported.mapping["Mindestalter bestätigt"] == "consent.age"
    assert imported.consent_counts == {"granted": 3, "age_unknown": 2, "minor": 2}
    assert imported.reasons == {"dropped:unclear_age": 1}
    labels = reasons.CONSENT_AHEAD if is_dry_run else reasons.CONSENT
    unknown, minor = str(labels["age_unknown"]), str(labels["minor"])
    assert told(imported) == {"Bernd": unknown, "Dora": minor, "Emil": minor, "Gerd": unknown}


def test_what_an_import_records_decides_who_gets_advertising(bakery: Tenant) -> None:
    done(bakery, FILE)

    with tenant_scope(bakery):
        found = {contact.first_name: reason(contact) for contact in Contact.objects.all()}
    assert found == {
        "Anna": "", "Bernd": "age_unknown", "Cara": "", "Dora": "no_consent",
        "Emil": "no_consent", "Frida": "", "Gerd": "age_unknown",
    }  # fmt: skip


def test_the_same_file_with_its_column_of_the_age_assigned_completes_what_was_recorded(bakery: Tenant) -> None:
    mapping = {"Handy": "phone", "Einwilligung am": "consent.at", "Einwilligungsquelle": "consent.source"}
    mapping |= {"Wortlaut": "consent.wording", "Nachweis": "consent.proof"}

    first = done(bakery, COMPLETE, mapping=mapping)
    second = done(bakery, COMPLETE, mapping=mapping)
    third = done(bakery, COMPLETE)
    fourth = done(bakery, COMPLETE)

    found = [one.consent_counts for one in (first, second, third, fourth)]
    assert found == [{"age_unknown": 1}, {"age_unknown": 1}, {"granted": 1}, {"already_granted": 1}]
    with tenant_scope(bakery):
        assert reason(Contact.objects.get()) == ""


def test_rows_of_before_the_age_was_read_out_of_the_text_are_judged_by_their_text(in_bakery: Tenant) -> None:
    anna, bert = person(in_bakery), person(in_bakery)
    for contact, texts in ((anna, {"de": OF_AGE}), (bert, {"de": SAID})):
        version = published(in_bakery, name=contact.phone or "", texts=texts)
        say(in_bakery, contact, "granted", wording_version_id=version.pk, wording_sha256=version.sha256)

    projecting.rebuild(in_bakery, after=UUID(int=0))

    assert dict(ConsentState.objects.values_list("subject_id", "age_confirmed")) == {
        anna.subject_id: True,
        bert.subject_id: None,
    }


USES = [("whatsapp", "tracking"), ("whatsapp", "special_category")]


@pytest.mark.parametrize(
    ("said", "born", "is_used"),
    [
        ({"wording_text": OF_AGE}, None, True),
        ({"wording_text": SAID, "age_confirmed": True}, None, True),
        ({"wording_text": SAID}, None, False),
        ({"wording_text": OF_AGE, "age_confirmed": False}, None, False),
        ({"wording_text": OF_AGE}, date(2012, 1, 1), False),
        ({"wording_text": OF_AGE}, date(2001, 1, 1), True),
    ],
)
def test_cg_07_measuring_and_special_data_ask_for_the_age_as_advertising_does(
    in_bakery: Tenant, said: dict[str, Any], born: date | None, is_used: bool
) -> None:
    controllers.update(tenant=in_bakery, by=None, special_attributes=["allergie"])
    anna = person(in_bakery, birthday=born, attributes={"allergie": "Nuss"})
    agree(in_bakery, anna, pairs=USES, **{"age_confirmed": None, **said})
    messages_of(source_of(in_bakery))
    Message.objects.update(contact=anna.pk, read_at=now())

    assert queries.measured(in_bakery.pk).exists() is is_used
    assert Message.objects.filter(is_measured()).exists() is is_used
    assert bool(queries.usable_attributes(anna)) is is_used
    for rule in ({"attribute": "allergie", "op": "is_set"}, {"message": "read", "op": "has"}):
        assert segments.count(in_bakery, rule) == is_used
    # And over the API.
    assert (reason(anna, "tracking") == "") is is_used


def test_where_the_company_does_not_demand_it_unknown_ages_are_measured(in_bakery: Tenant) -> None:
    controllers.update(tenant=in_bakery, by=None, demands_age=False)
    agree(in_bakery, person(in_bakery), pairs=USES, age_confirmed=None, wording_text=SAID)

    assert queries.measured(in_bakery.pk).exists()
