"""Recognising STOPP and its kin: the vectors of the reference, typing errors, and what opts nobody out."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import keywords, phrases
from consent.keywords import asks_why, recognise
from tests.consent.more_than_out import MUST_OBJECT_TO_ALL, MUST_OPT_OUT_AND_ERASE, MUST_OPT_OUT_OF_ALL
from tests.consent.reasons import DOUBTFUL, STOPPING
from tests.consent.vectors import MUST_ASK, MUST_BE_LEFT_ALONE, MUST_NOT_OPT_OUT, MUST_OPT_OUT
from tests.consent.why import (
    ERASED_BESIDE_WHY,
    MUST_ASK_WHY,
    MUST_NOT_ASK_WHY,
    OBJECTED_BESIDE_WHY,
    OUT_BESIDE_WHY,
    UNCLEAR_BESIDE_WHY,
)


@pytest.mark.parametrize("text", [*MUST_OPT_OUT, *STOPPING])
def test_these_messages_opt_out_of_marketing(text: str) -> None:
    assert recognise(text)[:2] == ("opt_out", False)


@pytest.mark.parametrize("text", sorted(phrases.HARD | phrases.TYPOS | phrases.SOFT))
def test_every_word_on_the_lists_opts_out_also_in_capitals_and_with_politeness(text: str) -> None:
    for spelled in (text, text.upper(), f"  {text}!! ", f"Bitte {text}", f"{text} danke"):
        assert recognise(spelled).wish == "opt_out", spelled


@pytest.mark.parametrize("text", sorted(phrases.HARD | phrases.TYPOS))
def test_cg_21_a_word_of_the_lists_counts_at_the_end_of_a_message_however_long(text: str) -> None:
    for before in (
        "Hallo zusammen, ich habe euch das jetzt schon dreimal geschrieben. ",
        "Was soll das? ",
        "So geht das…\n",
    ):
        assert recognise(f"{before}{text}!").wish == "opt_out", before


@pytest.mark.parametrize("text", ["Stopp", "Widerruf", "Abmeldung", "Ich widerspreche"])
def test_a_word_that_heads_something_else_asks(text: str) -> None:
    assert recognise(f"{text}! Das Kleid ist ja gar nicht rot.") == keywords.ASK


@pytest.mark.parametrize("text", MUST_OPT_OUT_AND_ERASE)
def test_these_messages_opt_out_and_ask_for_erasure(text: str) -> None:
    assert recognise(text) == keywords.OPT_OUT._replace(wants_erasure=True)


def test_to_be_deleted_from_a_list_is_no_request_for_erasure() -> None:
    assert recognise("Bitte löschen Sie mich aus Ihrem Verteiler") == keywords.OPT_OUT


@pytest.mark.parametrize("text", MUST_OPT_OUT_OF_ALL)
def test_these_messages_opt_out_of_everything(text: str) -> None:
    assert recognise(text)[:2] == ("opt_out", True)


@pytest.mark.parametrize("text", MUST_OBJECT_TO_ALL)
def test_these_messages_object_to_all_advertising(text: str) -> None:
    found = recognise(text)
    assert (found.wish, found.is_all, found.is_objection) == ("opt_out", True, True)


def test_an_objection_with_a_wish_for_erasure_is_both() -> None:
    found = recognise("Ich widerspreche der Werbung, löscht meine Daten")
    assert (found.is_all, found.is_objection, found.wants_erasure) == (True, True, True)


@pytest.mark.parametrize("text", MUST_NOT_OPT_OUT)
def test_these_messages_opt_nobody_out(text: str) -> None:
    assert recognise(text).wish in ("none", "ask")


@pytest.mark.parametrize("text", [*MUST_ASK, *DOUBTFUL])
def test_these_messages_ask_a_person_to_look(text: str) -> None:
    assert recognise(text)[:2] == ("ask", False)


@pytest.mark.parametrize("text", MUST_BE_LEFT_ALONE)
def test_ordinary_messages_are_left_alone(text: str) -> None:
    assert recognise(text)[:2] == ("none", False)


@pytest.mark.parametrize("text", ["Start", "START!", "Anmelden", "anmelden bitte"])
def test_a_keyword_asks_to_sign_up(text: str) -> None:
    assert recognise(text)[:2] == ("opt_in", False)


def test_a_soft_word_asks_back_while_a_flow_waits_for_an_answer() -> None:
    assert recognise("Ende", is_flow_waiting=True).wish == "ask"
    assert recognise("Stopp", is_flow_waiting=True).wish == "opt_out"
    assert recognise("Das Fest war schön. Ende.").wish == "ask"


def test_an_opt_out_button_counts_whatever_its_title() -> None:
    assert recognise("Kein Interesse", payload="optout:campaign")[:2] == ("opt_out", False)
    assert recognise("", payload="OPTOUT:all")[:2] == ("opt_out", True)
    assert recognise("Mehr erfahren", payload="more").wish == "none"


@given(st.text(max_size=400))
def test_any_text_gets_an_answer(text: str) -> None:
    assert recognise(text).wish in ("opt_out", "ask", "opt_in", "none")


def test_no_text_keeps_the_patterns_busy_for_ever() -> None:
    # One text that did would stop the webhooks of everybody. Far above what it takes: a hang is looked for, not speed.
    judged = subprocess.run(
        [sys.executable, "-m", "tests.consent.adversarial"], capture_output=True, text=True, timeout=120, check=False
    )

    assert judged.returncode == 0, judged.stderr


@pytest.mark.parametrize("end", ["{no} {filling}", "{filling} {no}"])
def test_of_more_than_whatsapp_carries_both_ends_are_read(end: str) -> None:
    for filling in ("a" * 1_000_000, "und " * 250_000, ". " * 500_000):
        assert recognise(end.format(no="\nBitte keine Werbung mehr!", filling=filling)).wish == "opt_out"
    assert recognise(f"{'und ' * 1000}\nBitte keine Werbung mehr!\n{'und ' * 1000}").wish == "none"


@given(st.sampled_from(["stop", "stopp", "abmelden"]), st.lists(st.sampled_from(list(" .!?*_~„“\u200b🛑")), max_size=8))
def test_decoration_does_not_hide_a_stop(word: str, decoration: list[str]) -> None:
    around = "".join(decoration)

    assert recognise(f"{around}{word}{around[::-1]}").wish == "opt_out"


@pytest.mark.parametrize(("language", "text"), [(code, text) for code in MUST_ASK_WHY for text in MUST_ASK_WHY[code]])
def test_r_36_these_messages_ask_why_and_change_nothing(language: str, text: str) -> None:
    for spelled in (text, text.upper(), f"Hallo, {text} Danke!"):
        assert asks_why(spelled) == language, spelled
    assert recognise(text).wish == "none"


@pytest.mark.parametrize("text", [*MUST_NOT_ASK_WHY, *MUST_OPT_OUT, *MUST_OBJECT_TO_ALL])
def test_these_messages_do_not_ask_why(text: str) -> None:
    assert asks_why(text) == ""


@pytest.mark.parametrize(
    ("text", "means"),
    [
        *((text, keywords.OPT_OUT) for text in OUT_BESIDE_WHY),
        *((text, keywords.OBJECTION._replace(is_all=True)) for text in OBJECTED_BESIDE_WHY),
        *((text, keywords.OPT_OUT._replace(wants_erasure=True)) for text in ERASED_BESIDE_WHY),
        *((text, keywords.ASK) for text in UNCLEAR_BESIDE_WHY),
    ],
)
def test_a_question_why_hides_no_wish_that_stands_beside_it(text: str, means: keywords.Recognised) -> None:
    assert recognise(text) == means


@pytest.mark.parametrize(
    "text",
    [
        "Warum bekomme ich das? Start",
        "Start, warum bekomme ich das?",
        "Warum bekomme ich das? Anmelden.",
        "Gut. Start.",
    ],
)
def test_nobody_says_yes_by_asking_why_or_among_other_things(text: str) -> None:
    assert recognise(text).wish == "none"
