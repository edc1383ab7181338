"""Says what Meta would reject in the buttons of a template definition."""

from collections import Counter
from itertools import pairwise
from typing import Any

from whatsapp.payloads.variables import Problem, variables_of

Button = dict[str, Any]

KINDS = frozenset(
    (
        *("QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "FLOW", "CATALOG", "MPM", "SPM", "OTP"),
        *("VOICE_CALL", "CALL_PERMISSION_REQUEST", "REQUEST_CONTACT_INFO", "APP"),
    )
)
MOST = {"QUICK_REPLY": 10, "URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1}
BUTTONS_LIMIT, TEXT_LIMIT, URL_LIMIT, PHONE_LIMIT, COUPON_LIMIT = 10, 25, 2000, 20, 15
_FIXED_LABEL = ("COPY_CODE", "OTP", "SPM")


def check_buttons(field: str, buttons: list[Button]) -> list[Problem]:
    """Problems of all buttons together, then of each. Source: Meta "Template components", buttons."""
    kinds = [str(button.get("type", "")).upper() for button in buttons]
    problems = _check_counts(field, kinds) + _check_order(field, kinds)
    texts = Counter(str(button.get("text", "")) for button in buttons if button.get("text"))
    if any(count > 1 for count in texts.values()):
        problems.append(
            Problem(
                field,
                "Jede Schaltfläche braucht eine eigene Beschriftung.",
                "Every button needs a label of its own.",
            )
        )
    for index, (kind, button) in enumerate(zip(kinds, buttons, strict=True)):
        problems += _check_button(f"{field}.{index}", kind, button)
    return problems


def _check_counts(field: str, kinds: list[str]) -> list[Problem]:
    problems = []
    if len(kinds) > BUTTONS_LIMIT:
        problems.append(Problem(field, "Höchstens 10 Schaltflächen erlaubt.", "At most 10 buttons are allowed."))
    for kind, most in MOST.items():
        if kinds.count(kind) > most:
            problems.append(
                Problem(
                    field,
                    f"Höchstens {most} Schaltfläche(n) der Art {kind} erlaubt.",
                    f"At most {most} button(s) of the kind {kind} are allowed.",
                )
            )
    return problems


def _check_order(field: str, kinds: list[str]) -> list[Problem]:
    replies = [kind == "QUICK_REPLY" for kind in kinds]
    changes = sum(before != after for before, after in pairwise(replies))
    if changes <= 1:
        return []
    return [
        Problem(
            field,
            "Schnellantworten müssen zusammenstehen, alle am Anfang oder alle am Ende.",
            "Quick replies must stand together, all first or all last.",
        )
    ]


def _check_button(field: str, kind: str, button: Button) -> list[Problem]:
    if kind not in KINDS:
        return [Problem(field, "Diese Art von Schaltfläche gibt es nicht.", "There is no such kind of button.")]
    text = str(button.get("text", ""))
    problems = []
    if kind not in _FIXED_LABEL and not 1 <= len(text) <= TEXT_LIMIT:
        problems.append(
            Problem(
                f"{field}.text",
                f"Die Beschriftung hat 1 bis {TEXT_LIMIT} Zeichen.",
                f"The label has 1 to {TEXT_LIMIT} characters.",
            )
        )
    if "{{" in text:
        problems.append(
            Problem(
                f"{field}.text",
                "In der Beschriftung sind keine Variablen erlaubt.",
                "The label must not hold variables.",
            )
        )
    return problems + _check_target(field, kind, button)


def _check_target(field: str, kind: str, button: Button) -> list[Problem]:
    if kind == "URL":
        return _check_url(field, button)
    if kind == "PHONE_NUMBER" and not 1 <= len(str(button.get("phone_number", ""))) <= PHONE_LIMIT:
        return [
            Problem(
                f"{field}.phone_number",
                f"Die Telefonnummer hat höchstens {PHONE_LIMIT} Zeichen.",
                f"The phone number has at most {PHONE_LIMIT} characters.",
            )
        ]
    if kind == "COPY_CODE":
        example = button.get("example", "")
        code = example[0] if isinstance(example, list) and example else example
        if not 1 <= len(str(code)) <= COUPON_LIMIT:
            return [
                Problem(
                    f"{field}.example",
                    f"Bitte einen Beispielcode mit höchstens {COUPON_LIMIT} Zeichen angeben.",
                    f"Please give a sample code of at most {COUPON_LIMIT} characters.",
                )
            ]
    if kind == "FLOW" and not any(button.get(key) for key in ("flow_id", "flow_name", "flow_json")):
        return [Problem(f"{field}.flow_id", "Bitte einen Flow wählen.", "Please choose a Flow.")]
    return []


def _check_url(field: str, button: Button) -> list[Problem]:
    url = str(button.get("url", ""))
    if not url.startswith(("https://", "http://")) or len(url) > URL_LIMIT:
        return [
            Problem(
                f"{field}.url",
                f"Bitte eine Webadresse mit höchstens {URL_LIMIT} Zeichen angeben.",
                f"Please give a web address of at most {URL_LIMIT} characters.",
            )
        ]
    names = variables_of(url)
    if not names:
        return []
    problems = []
    if len(names) > 1 or not url.endswith("}}"):
        problems.append(
            Problem(
                f"{field}.url",
                "Die Webadresse darf nur ganz am Ende eine Variable haben.",
                "The web address may have one variable, at its very end.",
            )
        )
    if not button.get("example"):
        problems.append(
            Problem(
                f"{field}.example",
                "Bitte eine vollständige Beispieladresse angeben.",
                "Please give a complete sample address.",
            )
        )
    return problems
