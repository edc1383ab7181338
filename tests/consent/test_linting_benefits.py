"""A consent text that promises a benefit says plainly what it is worth, after what people agree to (CG-05)."""

import pytest

from tests.consent.texts import open_duties, text

LACKS, HIDES = ("CG-05", "benefit_terms"), ("CG-05", "benefit_last")
PROMISES = [
    ("de", "Dafür bekomme ich einen Gutschein."),
    ("de", "Zur Anmeldung gibt es 5 € Rabatt."),
    ("de", "Mein 10-%-Rabatt kommt sofort."),
    ("de", "Als Dankeschön erhalte ich ein Brot gratis."),
    ("de", "Mein Willkommensgeschenk wartet im Laden."),
    ("de", "Ich nehme am Gewinnspiel teil."),
    ("de", "Der Gutschein über 7,50 Euro kommt danach."),
    ("de", "Ich bekomme einen einmaligen Rabatt."),
    ("de", "Ich bekomme einen 5 € Gutschein."),
    ("de", "Ich bekomme einen Rabattcode per WhatsApp."),
    ("de", "Der Gutschein kommt nach der Bestätigung."),
    ("en", "In return I get a voucher."),
    ("en", "I get a small gift with my next order."),
    ("en", "I get €5 off my next order."),
    ("en", "My welcome gift is waiting in the shop."),
    ("en", "I take part in the prize draw."),
    ("en", "A 10 % discount code comes at once."),
]
WORTH = [
    ("de", "Ich bekomme einen Gutschein. Er ist ab einem Einkauf von 20 € einlösbar."),
    ("de", "Ich bekomme 5 € Rabatt; der Rabatt gilt bis zum 31.12.2026."),
    ("de", "Ich bekomme einen Gutschein (Mindestbestellwert 20 €)."),
    ("de", "Ich bekomme einen Gutschein und behalte ihn auch nach einem Widerruf."),
    ("de", "Ich bekomme einen Gutschein. Der Gutschein gehört mir, auch wenn ich mich abmelde."),
    ("de", "Ich nehme am Gewinnspiel teil. Bedingungen: sonne.example/gewinn"),
    ("en", "I get a voucher, valid on orders over €20."),
    ("en", "I get a voucher and keep it if I unsubscribe."),
    ("en", "I get a 10 % discount; the discount stays mine after a withdrawal."),
    ("en", "I get a voucher. It can be redeemed in our shops until the end of the year."),
]


@pytest.mark.parametrize(("language", "promise"), PROMISES)
def test_cg_05_a_benefit_without_conditions_keeps_a_text_from_being_published(language: str, promise: str) -> None:
    assert open_duties(f"{text(language)} {promise}", language) == {LACKS}


@pytest.mark.parametrize(("language", "said"), WORTH)
def test_cg_05_conditions_or_that_it_stays_theirs_are_enough(language: str, said: str) -> None:
    assert open_duties(f"{text(language)} {said}", language) == set()


@pytest.mark.parametrize(
    ("language", "opening"),
    [
        ("de", "5 € Gutschein sichern! Der Gutschein gilt ab 20 € Einkauf."),
        ("de", "Hol dir deinen Rabatt, der Rabatt ist bis Jahresende gültig:"),
        ("en", "Get your voucher now, the voucher is valid until May!"),
    ],
)
def test_cg_05_a_benefit_before_the_declaration_hides_it(language: str, opening: str) -> None:
    assert open_duties(f"{opening} {text(language)}", language) == {HIDES}


def test_cg_05_nor_may_it_stand_between_the_yes_and_what_it_is_a_yes_to() -> None:
    yes = "Ja, ich möchte einen Gutschein, den ich behalte, wenn ich mich abmelde, und von der Bäckerei Sonne GmbH per"

    assert open_duties(text(yes=f"{yes} WhatsApp hören:")) == {HIDES}


@pytest.mark.parametrize(
    ("language", "content"),
    [
        ("de", "Rabatte und Gutscheine aus der Backstube,"),
        ("de", "Angebote mit bis zu 50 % Rabatt,"),
        ("de", "Geschenkideen, Bonusprogramme und Neuigkeiten,"),
        ("de", "Angebote und 3 Rezepte,"),
        ("de", "Neuigkeiten über das Bonus-Programm,"),
        ("de", "Neuigkeiten über den Bonus der Woche,"),
        ("de", "Angebote und die Geschenk-Ideen der Woche,"),
        ("de", "Neuigkeiten, auch eine Nachricht über Bonus und Prämie,"),
        ("de", "Rabatt-Aktionen und unsere Geschenk Ideen,"),
        ("de", "Infos zu meinem Bonus-Konto und einem Gutschein-Heft,"),
        ("de", "Angebote mit 10 bis 50 % Rabatt,"),
        ("de", "10 bis 50 % Rabatt,"),
        ("de", "10 % bis 50 % Rabatt,"),
        ("de", "zwischen 10 und 50 % Rabatt,"),
        ("de", "Rezepte für 5 € und Neuigkeiten zu Geschenk und Rabatt-Aktionen,"),
        ("en", "news about the gift shop,"),
        ("en", "news about our gift shop and a gift shop nearby,"),
        ("en", "news about the reward programme,"),
        ("en", "news and a look at gift ideas,"),
        ("en", "offers at 10 to 50 % off,"),
        ("en", "offers at €10 to €50 off,"),
        ("en", "vouchers, discounts and news,"),
        ("en", "offers of up to 50 % off,"),
        ("en", "gift ideas and offers,"),
    ],
)
def test_what_the_messages_are_about_is_no_benefit_of_the_yes(language: str, content: str) -> None:
    assert open_duties(text(language, content=content), language) == set()


@pytest.mark.parametrize(
    ("language", "withdrawal"),
    [
        ("de", "Ich kann das jederzeit widerrufen, die Verarbeitung bis dahin bleibt rechtmäßig,"),
        ("en", "I can withdraw this at any time, what happened before remains lawful,"),
    ],
)
def test_that_the_past_stays_lawful_says_nothing_of_the_benefit(language: str, withdrawal: str) -> None:
    promise = dict(PROMISES)[language]

    assert LACKS in open_duties(f"{text(language, withdrawal=withdrawal)} {promise}", language)
