"""Paper: every sign of a name or wording is printed, or named by its number; never dropped and never a black box."""

import pytest

from consent.printing.paper import TITLE, pdf, printable, text


@pytest.mark.parametrize(
    "written", ["Äpfel, Öl, Übermut, Straße", "5,00 € – „Ja, gern“", "Łukasz Yıldırım Şahin Žižek", "2 § 7 Abs. 2"]
)
def test_what_people_here_write_is_printed_as_it_is(written: str) -> None:
    assert printable(written) == written


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("Mureșan", "Muresan"),
        ("Dvořák", "Dvorák"),
        ("5\u202f%", "5 %"),
        ("10\u201112", "10-12"),
        ("Ja 👍", "Ja [U+1F44D]"),
        ("Дом", "[U+0414][U+043E][U+043C]"),
        ("A\u0308pfel", "Äpfel"),
    ],
)
def test_signs_that_the_font_lacks_are_replaced_or_named(written: str, printed: str) -> None:
    assert printable(written) == printed


def test_markup_in_a_name_is_text_and_fonts_are_embedded() -> None:
    content = pdf([text("<b>Anna</b> & Söhne", TITLE)], title="Test", author="Bäckerei", foot="Fuß <&>")

    assert content.startswith(b"%PDF")
    assert b"/FontFile2" in content
