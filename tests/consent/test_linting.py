"""The linter of consent texts: what says everything passes, what lacks one thing fails with exactly that."""

import pytest
from django.utils import translation

from consent.linting import Draft, findings
from tests.consent.texts import COMPANY, MARKETING, NOTICE, open_duties, text


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_text_that_says_everything_passes(language: str) -> None:
    assert open_duties(text(language), language) == set()


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize(
    ("left_out", "rule", "duty"),
    [
        ("content", "CG-03", "content"),
        ("often", "CG-03", "frequency"),
        ("withdrawal", "CG-03", "withdrawal"),
        ("notice", "CG-03", "notice"),
        ("age", "CG-07", "age"),
        ("way_out", "CG-20/23", "way_out"),
    ],
)
def test_a_text_that_lacks_one_thing_fails_with_exactly_that(
    language: str, left_out: str, rule: str, duty: str
) -> None:
    assert open_duties(text(language, **{left_out: ""}), language) == {(rule, duty)}


# CG-02


@pytest.mark.parametrize(
    ("language", "opening"),
    [
        ("de", f"Sie bekommen von der {COMPANY} per WhatsApp künftig:"),
        ("en", f"You will hear from {COMPANY} by WhatsApp:"),
    ],
)
def test_cg_02_the_person_says_it_themselves(language: str, opening: str) -> None:
    assert open_duties(text(language, yes=opening), language) == {("CG-02", "own_words")}


@pytest.mark.parametrize(
    ("language", "addition"),
    [
        ("de", "Die AGB akzeptiere ich."),
        ("de", "Die Allgemeinen Geschäftsbedingungen habe ich gelesen."),
        ("en", "I accept the terms and conditions."),
        ("en", "I have read the terms of use."),
    ],
)
def test_cg_02_consent_is_not_hidden_in_terms(language: str, addition: str) -> None:
    assert open_duties(f"{text(language)} {addition}", language) == {("CG-02", "no_terms")}


@pytest.mark.parametrize("left", ["[Firmenname]", "{Firma}", "<n>-mal", "xxx"])
def test_cg_02_no_placeholder_is_left(left: str) -> None:
    assert open_duties(f"{text()} {left}") == {("CG-02", "finished")}


def test_cg_02_a_few_words_are_no_text() -> None:
    assert ("CG-02", "length") in open_duties("Ja, gern.")
    assert open_duties("  ") == {("CG-02", "text")}


# CG-03


@pytest.mark.parametrize("name", ["Bäckerei Sonne", "Sonne GmbH", f"Groß-{COMPANY}", f"{COMPANY}en"])
def test_cg_03_another_name_is_not_the_companys(name: str) -> None:
    assert open_duties(text(yes=f"Ja, ich möchte von der {name} per WhatsApp hören:")) == {("CG-03", "company")}


def test_cg_03_the_companys_name_counts_however_its_line_breaks() -> None:
    assert open_duties(text(yes="Ja, ich möchte von der bäckerei\n  Sonne GmbH per WhatsApp hören:")) == set()


def test_cg_03_an_unknown_company_is_asked_for_once() -> None:
    assert open_duties(text(), company=" ") == {("CG-03", "company_known")}


def test_cg_03_the_notice_may_stand_beside_the_text() -> None:
    assert open_duties(text(notice=""), url=NOTICE) == set()


@pytest.mark.parametrize(
    "content",
    [
        "Rezepte und Tipps,",
        "Einladungen zu Veranstaltungen,",
        "Sonderaktionen,",
        "neue Produkte,",
        "Rabatte und Gutscheine,",
        "unseren Newsletter,",
        "Werbung,",
    ],
)
def test_cg_03_content_can_be_called_many_names(content: str) -> None:
    assert open_duties(text(content=content)) == set()


@pytest.mark.parametrize(
    "content", ["alles über Transaktionen,", "Interaktionen und mehr,", "was uns gerade einfällt,"]
)
def test_cg_03_vague_words_are_no_content(content: str) -> None:
    assert open_duties(text(content=content)) == {("CG-03", "content")}


@pytest.mark.parametrize(
    "often",
    [
        "höchstens zweimal pro Woche.",
        "einmal monatlich.",
        "alle zwei Wochen.",
        "4× im Monat.",
        "jeden Freitag.",
        "etwa 2-3 Mal in der Woche.",
        "jedes Quartal.",
    ],
)
def test_cg_03_frequency_can_be_said_in_many_ways(often: str) -> None:
    assert open_duties(text(often=often)) == set()


@pytest.mark.parametrize("often", ["auch im Jahr 2026.", "ab und zu.", "gelegentlich."])
def test_cg_03_a_year_or_now_and_then_is_no_frequency(often: str) -> None:
    assert open_duties(text(often=often)) == {("CG-03", "frequency")}


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Diese Einwilligung ist unwiderruflich, jederzeit,"),
        ("de", "Ich kann das widerrufen,"),
        ("en", "I can withdraw this,"),
        ("en", "This is irrevocable at any time,"),
    ],
)
def test_cg_03_withdrawing_is_possible_and_at_any_time(language: str, said: str) -> None:
    assert open_duties(text(language, withdrawal=said), language) == {("CG-03", "withdrawal")}


def test_cg_03_orders_are_named_where_they_are_covered() -> None:
    covers = [("whatsapp", "transactional")]

    assert open_duties(text(content="Nachrichten", often="."), covers=covers) == {("CG-03", "orders")}
    assert open_duties(text(content="Nachrichten zu meiner Bestellung", often="."), covers=covers) == set()


# CG-04


@pytest.mark.parametrize(
    ("language", "opening"),
    [("de", f"Ja, ich möchte von der {COMPANY} hören:"), ("en", f"Yes, I would like to hear from {COMPANY}:")],
)
def test_cg_04_each_covered_channel_is_named(language: str, opening: str) -> None:
    unnamed = text(language, yes=opening)
    covers = [*MARKETING, ("sms", "marketing"), ("email", "marketing")]

    assert open_duties(unnamed, language) == {("CG-04", "channel_whatsapp")}
    assert open_duties(text(language), language, covers=covers) == {
        ("CG-04", "channel_sms"),
        ("CG-04", "channel_email"),
        ("CG-20/23", "way_out_of_mail"),
    }


def test_cg_04_several_channels_may_share_a_text_that_names_them_all() -> None:
    said = text(
        yes=f"Ja, ich möchte von der {COMPANY} per WhatsApp, SMS und E-Mail hören:",
        way_out="mit STOPP als Antwort oder über den Link in jeder E-Mail.",
    )

    assert open_duties(said, covers=[(c, "marketing") for c in ("whatsapp", "sms", "email")]) == set()


def test_cg_04_an_address_is_no_channel() -> None:
    said = text(age="Meine E-Mail-Adresse stimmt. Ich bin mindestens 16 Jahre alt.", way_out="Link in jeder Nachricht.")

    assert open_duties(said, covers=[("email", "marketing")]) == {("CG-04", "channel_email")}


@pytest.mark.parametrize("other", ["tracking", "profiling"])
def test_cg_04_measuring_and_profiling_stand_apart_from_messages(other: str) -> None:
    said = text(age="Ich bin mindestens 16 Jahre alt. Sie darf messen, welche Links ich öffne, und ein Profil bilden.")

    assert open_duties(said, covers=[*MARKETING, ("whatsapp", other)]) == {("CG-04", "apart")}


def test_cg_04_a_yes_to_nothing_or_to_everything_is_none() -> None:
    assert ("CG-04", "covers") in {
        (found.rule, found.duty) for found in findings(Draft({"de": text()}, [], COMPANY, NOTICE))
    }
    assert open_duties(text(), covers=[("all", "marketing")]) == {("CG-04", "specific")}


# CG-07


@pytest.mark.parametrize(
    ("language", "age"),
    [
        ("de", "Ich bin mindestens 16."),
        ("de", "Ich bestätige, dass ich mindestens 16 bin."),
        ("de", "Ich bin 18 Jahre alt oder älter."),
        ("de", "Anmeldung ab 16 Jahren."),
        ("de", "Mindestalter: 16."),
        ("de", "Ich habe das 16. Lebensjahr vollendet."),
        ("de", "Ich bin über 16 und wohne hier."),
        ("en", "I am 16 or older."),
        ("en", "I am over 16."),
        ("en", "Minimum age: 16."),
        ("en", "I am at least sixteen years old."),
    ],
)
def test_cg_07_the_age_can_be_said_in_many_ways(language: str, age: str) -> None:
    assert open_duties(text(language, age=age), language) == set()


@pytest.mark.parametrize(
    ("language", "age"),
    [
        ("de", "Wir schreiben ab 16 Uhr."),
        ("de", "Wir backen seit 16 Jahren."),
        ("de", "Es sind über 16 Angebote dabei."),
        ("de", "Wir haben mindestens 16 Jahre Erfahrung."),
        ("de", "Ich bin mindestens 14 Jahre alt."),
        ("de", "16 Prozent auf alles."),
        ("en", "From 16:00 on."),
        ("en", "There are at least 16 offers."),
        ("en", "We have been baking for 16 years."),
        ("en", "I am at least 13 years old."),
    ],
)
def test_cg_07_another_sixteen_is_no_age(language: str, age: str) -> None:
    assert open_duties(text(language, age=age), language) == {("CG-07", "age")}


# CG-08


def special(said: str, *more: tuple[str, str]) -> set[tuple[str, str]]:
    whole = text(content="meinen Antworten,", often="", age=f"{said} Ich bin mindestens 16 Jahre alt.")
    return open_duties(whole, covers=[("whatsapp", "special_category"), *more])


def test_cg_08_special_data_are_named_and_agreed_to_expressly_and_apart() -> None:
    whole = "Ich willige ausdrücklich ein, dass meine Antworten zu Allergien verwendet werden."

    assert special(whole) == set()
    assert special("Ich willige ein, dass meine Antworten zu Allergien verwendet werden.") == {
        ("CG-08", "special_express")
    }
    assert special("Ich willige ausdrücklich ein, dass meine Antworten verwendet werden.") == {
        ("CG-08", "special_named")
    }
    assert special(whole, ("whatsapp", "transactional")) == {("CG-08", "special_apart"), ("CG-03", "orders")}


# CG-20 and CG-23


@pytest.mark.parametrize(
    ("language", "way"),
    [
        ("de", "Stopp genügt."),
        ("de", "mit der Antwort „stop“."),
        ("en", "send stop."),
        ("en", "the word “stop” is enough."),
        ("en", "reply with STOPP."),
    ],
)
def test_cg_20_and_23_the_word_that_stops_is_named(language: str, way: str) -> None:
    assert open_duties(text(language, way_out=way), language) == set()


def test_cg_20_and_23_wanting_to_stop_names_no_word() -> None:
    assert open_duties(text("en", way_out="you can stop whenever you like."), "en") == {("CG-20/23", "way_out")}
    assert open_duties(text(way_out="ganz im Nonstop-Verfahren.")) == {("CG-20/23", "way_out")}


def test_cg_20_and_23_e_mails_have_their_own_way_out() -> None:
    mail = f"Ja, ich möchte von der {COMPANY} per E-Mail hören:"
    covers = [("email", "marketing")]

    assert open_duties(text(yes=mail, way_out="über den Link in jeder E-Mail."), covers=covers) == set()
    assert open_duties(text(yes=mail), covers=covers) == {("CG-20/23", "way_out_of_mail")}


# CG-35 and CG-37


def apart(purpose: str, said: str, language: str = "de") -> set[tuple[str, str]]:
    whole = text(language, content=said, often="")
    return open_duties(whole, language, covers=[("whatsapp", purpose)])


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Sie darf messen, welche Links ich öffne."),
        ("de", "Klicks darf sie auswerten."),
        ("de", "Sie darf erfassen, ob ich Nachrichten gelesen habe."),
        ("en", "They may see which links I open."),
        ("en", "My clicks may be measured."),
    ],
)
def test_cg_35_measuring_is_said(language: str, said: str) -> None:
    assert apart("tracking", said, language) == set()


@pytest.mark.parametrize(
    "said",
    ["Die Angebote sind angemessen. Links sind auch dabei.", "Einladungen zur Messe, mit Links.", "Nachrichten."],
)
def test_cg_35_words_that_only_look_like_measuring_are_none(said: str) -> None:
    assert apart("tracking", said) == {("CG-35", "measuring")}


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Sie darf aus meinen Käufen ein Profil bilden."),
        ("de", "Angebote, die auf mein Kaufverhalten zugeschnitten sind."),
        ("en", "They may form a profile from my purchases."),
        ("en", "Personalised offers."),
    ],
)
def test_cg_37_profiling_is_said(language: str, said: str) -> None:
    assert apart("profiling", said, language) == set()


@pytest.mark.parametrize(
    "said", ["Mein Profilbild ist schön.", "Ich bin interessiert.", "Persönliche Daten sind sicher."]
)
def test_cg_37_words_that_only_look_like_profiling_are_none(said: str) -> None:
    assert apart("profiling", said) == {("CG-37", "profiling")}


# All of it


def test_each_language_is_told_by_itself() -> None:
    draft = Draft({"de": text(), "en": text("en", age="")}, MARKETING, COMPANY)

    assert [(found.duty, found.language) for found in findings(draft)] == [("age", "en")]


def test_every_finding_says_what_is_missing_and_what_to_do_in_german() -> None:
    with translation.override("de"):
        for found in findings(Draft({"de": "Ja", "en": "Yes"}, [(c, "marketing") for c in ("whatsapp", "all")], "")):
            assert str(found.problem).endswith(".")
            assert str(found.remedy).endswith(".")
            assert not {"the", "Write"} & set(f"{found.problem} {found.remedy}".split())
