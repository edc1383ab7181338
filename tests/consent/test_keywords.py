"""Recognising STOPP and its kin: the vectors of the reference, typing errors, and what opts nobody out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import keywords
from consent.keywords import recognise

MUST_OPT_OUT = [
    "STOP",
    "stopp!",
    "„STOPP“",
    "S T O P",
    "Stooop",
    "ＳＴＯＰ",
    "St\u200bop",
    "🛑 STOPP 🛑",
    "*STOP*",
    "/stop",
    "Bitte stop",
    "stopp danke",
    "Bitte keine Nachrichten mehr",
    "Schickt mir bitte keine WhatsApp mehr",
    "Könnt ihr mich bitte vom Newsletter abmelden?",
    "Hiermit widerrufe ich meine Einwilligung",
    "please stop sending me messages",
    "Ende",
    "Cancel",
    "Abmelden",
    "ABMELDEN.",
    "Hallo, jetzt sofort abmelden bitte",
    "Keine Werbung mehr",
    "Ich möchte mich vom Newsletter abmelden",
    "Ich will mich austragen",
    "Meldet mich bitte ab",
    "Bitte melden Sie mich vom Verteiler ab",
    "Ich widerspreche der Nutzung meiner Daten",
    "Ich widerspreche der Werbung",
    "Hört bitte auf mir zu schreiben",
    "Lasst mich in Ruhe!",
    "Löscht meine Nummer",
    "Bitte löschen Sie alle meine Daten",
    "Könnt ihr bitte keine Angebote mehr schicken",
    "Don't text me",
    "don’t message me again",
    "unsubscribe me",
    "take me off your list",
    "Please remove me from this",
    "opt-out",
    "Stop promotions",
    "widerrufe",
]
MUST_NOT_OPT_OUT = [
    "Wo ist der nächste Bus-Stop?",
    "Die Stoppuhr ist super",
    "Habt ihr Nonstop geöffnet?",
    "Könnt ihr meine Bestellung stoppen?",
    "Bitte stoppt die Lieferung von Paket 123",
    "Wann ist Ende der Aktion?",
    "Bis Ende Mai?",
    "Das Wochenende war super",
    "Endlich!",
    "Shop",
    "top",
    "Spot",
    "Step",
    "Stoff",
    "Stop-Motion Video toll",
    "one stop shop",
    "Gibt es keine Gutscheine mehr?",
    "Habt ihr keine Größe 42 mehr?",
    "Wie kann ich mich anmelden?",
    "Ich habe keine Nachricht bekommen",
    "Ich habe keine Nachrichten bekommen",
    "Warum bekomme ich keine Nachrichten mehr?",
    "Habt ihr keine Angebote mehr?",
    "Ich möchte meinen Termin abbestellen",
    "Kann ich das Paket abbestellen?",
    "Ich melde mich ab Montag wieder",
    "Nein",
    "Ja",
    "OK",
    "",
    "🙂",
    "Danke!",
]
MUST_ASK = [
    "Stopp, ich meinte Größe M",
    "Don't stop!",
    "Nicht abmelden bitte",
    "Kündigung",
    "Ich möchte kündigen",
    "löschen",
    "Storno",
    "Halt!",
    "Nein danke",
    "raus",
    "Stop it",
    "Don't stop sending me messages",
]
MUST_OPT_OUT_OF_ALL = ["STOP ALL", "stopall", "Alles stoppen", "Stopp alles", "bitte stop alles", "Stopp All!"]


@pytest.mark.parametrize("text", MUST_OPT_OUT)
def test_these_messages_opt_out_of_marketing(text: str) -> None:
    assert recognise(text) == ("opt_out", False)


@pytest.mark.parametrize("text", sorted(keywords.HARD | keywords.TYPOS | keywords.SOFT))
def test_every_word_on_the_lists_opts_out_also_in_capitals_and_with_politeness(text: str) -> None:
    for spelled in (text, text.upper(), f"  {text}!! ", f"Bitte {text}", f"{text} danke"):
        assert recognise(spelled).wish == "opt_out", spelled


@pytest.mark.parametrize("text", MUST_OPT_OUT_OF_ALL)
def test_these_messages_opt_out_of_everything(text: str) -> None:
    assert recognise(text) == ("opt_out", True)


@pytest.mark.parametrize("text", MUST_NOT_OPT_OUT)
def test_these_messages_opt_nobody_out(text: str) -> None:
    assert recognise(text).wish in ("none", "ask")


@pytest.mark.parametrize("text", MUST_ASK)
def test_these_messages_ask_a_person_to_look(text: str) -> None:
    assert recognise(text) == ("ask", False)


@pytest.mark.parametrize(
    "text", ["Die Stoppuhr ist super", "Könnt ihr meine Bestellung stoppen?", "Bis Ende Mai?", "Nein", "Shop", "Hallo"]
)
def test_ordinary_messages_are_left_alone(text: str) -> None:
    assert recognise(text) == ("none", False)


@pytest.mark.parametrize("text", ["Start", "START!", "Anmelden", "anmelden bitte"])
def test_a_keyword_asks_to_sign_up(text: str) -> None:
    assert recognise(text) == ("opt_in", False)


def test_a_soft_word_asks_back_while_a_flow_waits_for_an_answer() -> None:
    assert recognise("Ende", is_flow_waiting=True).wish == "ask"
    assert recognise("Stopp", is_flow_waiting=True).wish == "opt_out"


def test_an_opt_out_button_counts_whatever_its_title() -> None:
    assert recognise("Kein Interesse", payload="optout:campaign") == ("opt_out", False)
    assert recognise("", payload="OPTOUT:all") == ("opt_out", True)
    assert recognise("Mehr erfahren", payload="more").wish == "none"


@given(st.text(max_size=400))
def test_any_text_gets_an_answer(text: str) -> None:
    assert recognise(text).wish in ("opt_out", "ask", "opt_in", "none")


@given(st.sampled_from(["stop", "stopp", "abmelden"]), st.lists(st.sampled_from(list(" .!?*_~„“\u200b🛑")), max_size=8))
def test_decoration_does_not_hide_a_stop(word: str, decoration: list[str]) -> None:
    around = "".join(decoration)

    assert recognise(f"{around}{word}{around[::-1]}").wish == "opt_out"
