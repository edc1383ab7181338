"""What has changed between two texts: both can be read back, and changes are whole words."""

import pytest

from consent.comparing import Piece, compared


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Ja, gern.", "Ja, sehr gern."),
        ("", "Ja"),
        ("Ja", ""),
        ("Etwa viermal im Monat.", "Etwa zweimal in der Woche."),
        ("a b c d e", "a x y d z"),
        ("Zeile eins\nZeile zwei", "Zeile eins\n\nZeile drei"),
    ],
)
def test_both_texts_can_be_read_back(old: str, new: str) -> None:
    pieces = compared(old, new)

    assert "".join(piece.text for piece in pieces if piece.kind != "new") == old
    assert "".join(piece.text for piece in pieces if piece.kind != "gone") == new


def test_a_changed_word_is_shown_whole() -> None:
    assert compared("etwa viermal im Monat", "etwa zweimal im Monat") == [
        Piece("same", "etwa "),
        Piece("gone", "viermal"),
        Piece("new", "zweimal"),
        Piece("same", " im Monat"),
    ]


def test_changed_words_side_by_side_are_one_change() -> None:
    assert compared("im roten Haus da", "im blauen Baum da") == [
        Piece("same", "im "),
        Piece("gone", "roten Haus"),
        Piece("new", "blauen Baum"),
        Piece("same", " da"),
    ]


def test_the_same_text_has_not_changed() -> None:
    assert compared("Ja, gern.", "Ja, gern.") == [Piece("same", "Ja, gern.")]
