"""Says what Meta would reject in a template definition before it is submitted."""

import re
from typing import Any

from whatsapp.payloads.button_linting import check_buttons
from whatsapp.payloads.variables import Problem, check_variables, variables_of

__all__ = ["Problem", "lint", "variables_of"]

CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
HEADER_FORMATS = ("TEXT", "IMAGE", "VIDEO", "DOCUMENT", "GIF", "LOCATION", "PRODUCT")
HEADER_LIMIT = FOOTER_LIMIT = 60
BODY_LIMIT, OFFER_BODY_LIMIT, CARD_BODY_LIMIT = 1024, 600, 160
_MARKDOWN = re.compile(r"[*_~`\n]")

Component = dict[str, Any]


def lint(definition: dict[str, Any]) -> list[Problem]:
    """Problems of a definition for POST /{WABA}/message_templates; an empty list means none found.

    Source: Meta "Template components" and "Template fundamentals", limits of 2026.
    """
    by_type = _by_type(definition.get("components"))
    named = str(definition.get("parameter_format", "positional")).lower() == "named"
    category = str(definition.get("category", "")).upper()
    problems = _check_head(definition, category)
    if category == "AUTHENTICATION":
        return problems + _check_authentication(by_type)
    problems += _check_header(by_type.get("header"), category, named)
    problems += _check_body(by_type, named)
    problems += _check_footer(by_type)
    problems += check_buttons("buttons", (by_type.get("buttons") or {}).get("buttons") or [])
    problems += _check_offer(by_type, category)
    return problems + _check_carousel(by_type.get("carousel"), named)


def _by_type(components: Any) -> dict[str, Component]:
    parts = components if isinstance(components, list) else []
    return {str(part.get("type", "")).lower(): part for part in parts if isinstance(part, dict)}


def _too_long(field: str, limit: int, length: int) -> Problem:
    return Problem(
        field,
        f"Höchstens {limit} Zeichen erlaubt, es sind {length}.",
        f"At most {limit} characters are allowed, there are {length}.",
    )


def _check_head(definition: dict[str, Any], category: str) -> list[Problem]:
    problems = []
    if not re.fullmatch(r"[a-z0-9_]{1,512}", str(definition.get("name", ""))):
        problems.append(
            Problem(
                "name",
                "Der Name besteht aus 1 bis 512 Kleinbuchstaben, Ziffern und Unterstrichen.",
                "The name consists of 1 to 512 lower-case letters, digits and underscores.",
            )
        )
    if category not in CATEGORIES:
        problems.append(Problem("category", "Bitte eine Kategorie wählen.", "Please choose a category."))
    if not re.fullmatch(r"[a-z]{2,3}(_[A-Z]{2})?", str(definition.get("language", ""))):
        problems.append(
            Problem(
                "language",
                "Bitte einen Sprachcode wie de oder en_US angeben.",
                "Please give a language code such as de or en_US.",
            )
        )
    return problems


def _check_header(header: Component | None, category: str, named: bool) -> list[Problem]:
    if header is None:
        return []
    kind = str(header.get("format", "")).upper()
    if kind not in HEADER_FORMATS:
        return [Problem("header", "Diese Art von Kopfzeile gibt es nicht.", "There is no such kind of header.")]
    if kind == "TEXT":
        return _check_text_header(header, named)
    needs_example = kind in ("IMAGE", "VIDEO", "DOCUMENT", "GIF")
    if needs_example and not (header.get("example") or {}).get("header_handle"):
        return [
            Problem(
                "header.example",
                "Bitte eine Beispieldatei hochladen, Meta prüft die Vorlage damit.",
                "Please upload a sample file, Meta reviews the template with it.",
            )
        ]
    if kind == "LOCATION" and category not in ("UTILITY", "MARKETING"):
        return [Problem("header", "Hier ist kein Standort erlaubt.", "No location is allowed here.")]
    return []


def _check_text_header(header: Component, named: bool) -> list[Problem]:
    text = str(header.get("text", ""))
    problems = []
    if not text.strip():
        problems.append(Problem("header", "Die Kopfzeile ist leer.", "The header is empty."))
    if len(text) > HEADER_LIMIT:
        problems.append(_too_long("header", HEADER_LIMIT, len(text)))
    if _MARKDOWN.search(re.sub(r"\{\{[^{}]*\}\}", "", text)):
        problems.append(
            Problem(
                "header",
                "In der Kopfzeile sind keine Formatierung und kein Zeilenumbruch erlaubt.",
                "The header must not hold formatting or line breaks.",
            )
        )
    names = variables_of(text)
    if len(names) > 1:
        problems.append(
            Problem("header", "Höchstens eine Variable in der Kopfzeile.", "At most one variable in the header.")
        )
    example = header.get("example") or {}
    if names and not (example.get("header_text") or example.get("header_text_named_params")):
        problems.append(_missing_example("header.example"))
    return problems + check_variables("header", text, named=named, at_edges=True)


def _missing_example(field: str) -> Problem:
    return Problem(
        field,
        "Bitte für jede Variable einen Beispielwert angeben.",
        "Please give a sample value for every variable.",
    )


def _check_body(by_type: dict[str, Component], named: bool) -> list[Problem]:
    body = by_type.get("body") or {}
    text = str(body.get("text", ""))
    if not text.strip():
        return [Problem("body", "Der Haupttext fehlt.", "The body text is missing.")]
    limit = OFFER_BODY_LIMIT if "limited_time_offer" in by_type else BODY_LIMIT
    problems = [_too_long("body", limit, len(text))] if len(text) > limit else []
    problems += check_variables("body", text, named=named)
    return problems + _check_examples(body, text, named)


def _check_examples(body: Component, text: str, named: bool) -> list[Problem]:
    wanted = set(variables_of(text))
    example = body.get("example") or {}
    if named:
        given = {str(pair.get("param_name")) for pair in example.get("body_text_named_params") or []}
        return [] if wanted <= given else [_missing_example("body.example")]
    rows = example.get("body_text") or [[]]
    row = rows[0] if isinstance(rows[0], list) else rows
    return [] if len(wanted) <= len(row) else [_missing_example("body.example")]


def _check_footer(by_type: dict[str, Component]) -> list[Problem]:
    footer = by_type.get("footer")
    if footer is None:
        return []
    text = str(footer.get("text", ""))
    if "limited_time_offer" in by_type:
        return [
            Problem(
                "footer",
                "Ein befristetes Angebot hat keine Fußzeile.",
                "A limited-time offer has no footer.",
            )
        ]
    problems = [_too_long("footer", FOOTER_LIMIT, len(text))] if len(text) > FOOTER_LIMIT else []
    if not text.strip():
        problems.append(Problem("footer", "Die Fußzeile ist leer.", "The footer is empty."))
    if "{{" in text:
        problems.append(
            Problem(
                "footer",
                "In der Fußzeile sind keine Variablen erlaubt.",
                "The footer must not hold variables.",
            )
        )
    return problems


def _check_offer(by_type: dict[str, Component], category: str) -> list[Problem]:
    part = by_type.get("limited_time_offer")
    if part is None:
        return []
    problems = []
    text = str((part.get("limited_time_offer") or {}).get("text", ""))
    if not 1 <= len(text) <= 16:
        problems.append(_too_long("limited_time_offer", 16, len(text)))
    if category != "MARKETING":
        problems.append(
            Problem(
                "limited_time_offer",
                "Befristete Angebote gibt es nur in der Kategorie Marketing.",
                "Limited-time offers exist only in the marketing category.",
            )
        )
    if str((by_type.get("header") or {}).get("format", "IMAGE")).upper() not in ("IMAGE", "VIDEO"):
        problems.append(
            Problem(
                "header",
                "Ein befristetes Angebot hat als Kopf ein Bild, ein Video oder nichts.",
                "A limited-time offer has an image, a video or nothing as header.",
            )
        )
    return problems


def _check_carousel(carousel: Component | None, named: bool) -> list[Problem]:
    if carousel is None:
        return []
    cards = [_by_type(card.get("components")) for card in carousel.get("cards") or []]
    if not 2 <= len(cards) <= 10:
        return [Problem("carousel", "Ein Karussell hat 2 bis 10 Karten.", "A carousel has 2 to 10 cards.")]
    problems = []
    if len({_shape(card) for card in cards}) > 1:
        problems.append(
            Problem(
                "carousel",
                "Alle Karten brauchen dieselben Bausteine und dieselbe Art von Kopf.",
                "All cards need the same components and the same kind of header.",
            )
        )
    for index, card in enumerate(cards):
        problems += _check_card(f"carousel.{index}", card, named)
    return problems


def _shape(card: dict[str, Component]) -> tuple[str, ...]:
    buttons = (card.get("buttons") or {}).get("buttons") or []
    kinds = [str(button.get("type", "")).upper() for button in buttons]
    return (*sorted(card), str((card.get("header") or {}).get("format", "")).upper(), *kinds)


def _check_card(field: str, card: dict[str, Component], named: bool) -> list[Problem]:
    problems = []
    if str((card.get("header") or {}).get("format", "")).upper() not in ("IMAGE", "VIDEO", "PRODUCT"):
        problems.append(
            Problem(
                f"{field}.header",
                "Eine Karte braucht ein Bild, ein Video oder ein Produkt.",
                "A card needs an image, a video or a product.",
            )
        )
    text = str((card.get("body") or {}).get("text", ""))
    if len(text) > CARD_BODY_LIMIT:
        problems.append(_too_long(f"{field}.body", CARD_BODY_LIMIT, len(text)))
    problems += check_variables(f"{field}.body", text, named=named)
    buttons = (card.get("buttons") or {}).get("buttons") or []
    if len(buttons) > 2:
        problems.append(
            Problem(
                f"{field}.buttons",
                "Eine Karte hat höchstens zwei Schaltflächen.",
                "A card has at most two buttons.",
            )
        )
    return problems + check_buttons(f"{field}.buttons", buttons)


def _check_authentication(by_type: dict[str, Component]) -> list[Problem]:
    problems = []
    buttons = (by_type.get("buttons") or {}).get("buttons") or []
    if [str(button.get("type", "")).lower() for button in buttons] != ["otp"]:
        problems.append(
            Problem(
                "buttons",
                "Eine Code-Vorlage hat genau eine Schaltfläche der Art OTP.",
                "A code template has exactly one button of the OTP kind.",
            )
        )
    minutes = (by_type.get("footer") or {}).get("code_expiration_minutes", 10)
    if not isinstance(minutes, int) or not 1 <= minutes <= 90:
        problems.append(
            Problem(
                "footer",
                "Der Code gilt zwischen 1 und 90 Minuten.",
                "The code is valid for 1 to 90 minutes.",
            )
        )
    return problems
