"""Finds the {{variables}} of template texts and says what Meta would object to."""

import re
from typing import NamedTuple


class Problem(NamedTuple):
    """One objection to a template definition; `field` is a path such as `body` or `buttons.1.url`."""

    field: str
    message_de: str
    message_en: str


_VARIABLE = re.compile(r"\{\{([^{}]*)\}\}")
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_WORDS_PER_VARIABLE = 3


def variables_of(text: str) -> list[str]:
    """Names or numbers between double braces, in order of appearance, repetitions included."""
    return [name.strip() for name in _VARIABLE.findall(text)]


def check_variables(field: str, text: str, *, named: bool, at_edges: bool = False) -> list[Problem]:
    """Problems with the variables of one text; `at_edges` allows one first or last.

    Source: Meta "Template fundamentals" and codes 2388293, 2388299.
    """
    problems = []
    names = variables_of(text)
    if _VARIABLE.sub("", text).count("{{") or _VARIABLE.sub("", text).count("}}"):
        problems.append(Problem(field, "Geschweifte Klammern sind nicht geschlossen.", "Curly braces are not closed."))
    if not names:
        return problems
    problems += _check_names(field, names, named=named) + _check_places(field, text, at_edges=at_edges)
    words = len(_VARIABLE.sub(" ", text).split())
    if not at_edges and words < _WORDS_PER_VARIABLE * len(names) - 1:
        problems.append(
            Problem(
                field,
                "Zu viele Variablen für so wenig Text. Bitte mehr festen Text schreiben.",
                "Too many variables for so little text. Please write more fixed text.",
            )
        )
    return problems


def _check_names(field: str, names: list[str], *, named: bool) -> list[Problem]:
    if named:
        if all(_NAME.fullmatch(name) for name in names):
            return []
        return [
            Problem(
                field,
                "Variablennamen bestehen aus Kleinbuchstaben, Ziffern und Unterstrich.",
                "Variable names consist of lower-case letters, digits and underscores.",
            )
        ]
    numbers = [int(name) if name.isascii() and name.isdecimal() else 0 for name in names]
    if sorted(set(numbers)) == list(range(1, len(set(numbers)) + 1)):
        return []
    return [
        Problem(
            field,
            "Variablen müssen lückenlos {{1}}, {{2}} … heißen.",
            "Variables must be called {{1}}, {{2}} … without gaps.",
        )
    ]


def _check_places(field: str, text: str, *, at_edges: bool) -> list[Problem]:
    problems = []
    stripped = text.strip()
    if not at_edges and (stripped.startswith("{{") or stripped.endswith("}}")):
        problems.append(
            Problem(
                field,
                "Der Text darf nicht mit einer Variablen beginnen oder enden.",
                "The text must not start or end with a variable.",
            )
        )
    if re.search(r"\}\}\s*\{\{", text):
        problems.append(
            Problem(
                field,
                "Zwischen zwei Variablen muss Text stehen.",
                "There must be text between two variables.",
            )
        )
    return problems
