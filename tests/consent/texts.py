"""Consent texts as companies write them, sentence by sentence, and which duties they leave open."""

from consent.linting import Draft, findings

COMPANY = "Bäckerei Sonne GmbH"
NOTICE = "https://sonne.example/datenschutz"
MARKETING = [("whatsapp", "marketing")]

# Whole texts as companies write them; each sentence carries its own duties.
GERMAN = {
    "yes": f"Ja, ich möchte von der {COMPANY} per WhatsApp hören:",
    "content": "Angebote und Neuigkeiten aus der Backstube,",
    "often": "ungefähr viermal im Monat.",
    "withdrawal": "Ich kann das jederzeit widerrufen,",
    "way_out": "am einfachsten mit STOPP als Antwort.",
    "age": "Ich bin mindestens 16 Jahre alt.",
    "notice": f"Datenschutz: {NOTICE}",
}
ENGLISH = {
    "yes": f"Yes, I would like to hear from {COMPANY} by WhatsApp:",
    "content": "offers and news from our bakery,",
    "often": "about four times a month.",
    "withdrawal": "I can withdraw this at any time,",
    "way_out": "most easily by replying STOP.",
    "age": "I am at least 16 years old.",
    "notice": f"Privacy notice: {NOTICE}",
}
WHOLE = {"de": GERMAN, "en": ENGLISH}


def text(language: str = "de", **changed: str) -> str:
    """The whole text with some of its sentences changed, or left out where they are empty."""
    return " ".join(part for part in (WHOLE[language] | changed).values() if part)


def open_duties(
    said: str, language: str = "de", *, covers: object = None, company: str = COMPANY, url: str = ""
) -> set[tuple[str, str]]:
    """(rule, duty) of everything that is open."""
    draft = Draft({language: said}, covers or MARKETING, company, url)  # type: ignore[arg-type]
    return {(found.rule, found.duty) for found in findings(draft)}
