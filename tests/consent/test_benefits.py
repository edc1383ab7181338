"""What stands above a declaration and promises a benefit for the yes, and what only tells of the messages (CG-05)."""

import pytest

from consent.linting.benefits import promises

PROMISES = [
    ("Jetzt anmelden und 10 % sparen", ["anmelden und 10 % sparen"]),
    ("JETZT ANMELDEN UND 10 % SPAREN", ["anmelden und 10 % sparen"]),
    ("Melde dich jetzt an und spare 10 %", ["Melde dich jetzt an und spare 10 %"]),
    ("10 % auf deinen ersten Einkauf", ["10 % auf deinen ersten Einkauf"]),
    ("Gratis Kaffee für deine Anmeldung", ["Gratis Kaffee für deine Anmeldung"]),
    ("Kostenloser Kaffee zur Anmeldung", ["Kostenloser Kaffee zur Anmeldung"]),
    ("Anmelden & 5 € Guthaben", ["Anmelden & 5 € Guthaben"]),
    ("Newsletter abonnieren: 5 € Gutschein", ["abonnieren: 5 € Gutschein"]),
    ("5 € Gutschein sichern", ["5 € Gutschein"]),
    ("5 € Gutschein Jetzt sichern", ["5 € Gutschein"]),
    ("10-%-Rabatt Jetzt holen", ["10-%-Rabatt"]),
    ("Jetzt Rabatt sichern", ["Rabatt sichern"]),
    # The same words in another context are another promise.
    ("Jeden Freitag 20 % Rabatt", ["20 % Rabatt"]),
    ("20 % Rabatt für deine Anmeldung", ["20 % Rabatt für deine Anmeldung"]),
    ("5 € Gutschein, dazu 10 % auf Ihre nächste Bestellung", ["5 € Gutschein", "10 % auf Ihre nächste Bestellung"]),
    ("Sign up and save 10%", ["Sign up and save 10%"]),
    ("Get a €5 voucher today", ["a €5 voucher"]),
    ("10% off your first order", ["10% off your first order"]),
    ("Free coffee when you sign up", ["Free coffee when you sign up"]),
    ("Join now for a free coffee", ["Join now for a free coffee"]),
    ("5 € Gutschein or a gift today", ["5 € Gutschein", "a gift"]),
]


@pytest.mark.parametrize(("headline", "words"), PROMISES)
def test_m_52_all_words_that_promise_a_benefit_are_found(headline: str, words: list[str]) -> None:
    assert promises(headline) == words


@pytest.mark.parametrize(
    "headline",
    [
        "Angebote und Neuigkeiten",
        "Gutscheine, Rabatte und Rezepte",
        "bis zu 50 % Rabatt im Sale",
        "10 bis 50 % Rabatt im Winter",
        "Freitags 20 % auf alles im Sale",
        "Kostenlos anmelden",
        "Jetzt gratis anmelden",
        "Jetzt anmelden: zu 100 % kostenlos",
        "Jetzt anmelden und Rabatte zuerst erfahren",
        "Anmelden und bis zu 50 % sparen",
        "Melde dich an und erfahre Neues zuerst",
        "Zur Anmeldung brauchst du nur WhatsApp",
        "Frisches Brot ab 3 €",
        "Sign up for offers and news",
        "Sign up for free",
        "Sign up for deals of up to 50% off",
        "Subscribe to our free newsletter",
        "Save the date",
        "Join 500 neighbours who hear first",
    ],
)
def test_m_52_what_the_messages_are_about_promises_nothing(headline: str) -> None:
    assert promises(headline) == []
