import copy
from typing import Any

import pytest

from whatsapp.payloads import lint

SALE: dict[str, Any] = {
    "name": "spring_sale",
    "category": "MARKETING",
    "language": "de",
    "parameter_format": "named",
    "components": [
        {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW5k"]}},
        {
            "type": "BODY",
            "text": "Hallo {{first_name}}, bis {{end_date}} gibt es 20 Prozent auf alles.",
            "example": {
                "body_text_named_params": [
                    {"param_name": "first_name", "example": "Ada"},
                    {"param_name": "end_date", "example": "30.11."},
                ]
            },
        },
        {"type": "FOOTER", "text": "Abmelden mit STOPP"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "Abmelden"},
                {
                    "type": "URL",
                    "text": "Ansehen",
                    "url": "https://example.com/{{1}}",
                    "example": ["https://example.com/t/abc"],
                },
            ],
        },
    ],
}


def sale(**parts: Any) -> dict[str, Any]:
    """The sale template with other parts by type, or other fields of its head."""
    definition = copy.deepcopy(SALE)
    for name, part in parts.items():
        known = [item for item in definition["components"] if item["type"].lower() == name]
        if known:
            known[0].update(part)
        elif isinstance(part, dict):
            definition["components"].append({"type": name, **part})
        else:
            definition[name] = part
    return definition


def buttons(*items: dict[str, Any]) -> dict[str, Any]:
    return sale(buttons={"buttons": list(items)})


def reply(text: str) -> dict[str, Any]:
    return {"type": "QUICK_REPLY", "text": text}


def link(text: str, url: str = "https://example.com/") -> dict[str, Any]:
    return {"type": "URL", "text": text, "url": url}


def test_a_good_template_has_no_problems() -> None:
    assert lint(SALE) == []


def test_positional_variables_are_as_good_as_named_ones() -> None:
    definition = sale(
        parameter_format="positional",
        body={
            "text": "Hallo {{1}}, bis {{2}} gibt es Rabatt auf alles.",
            "example": {"body_text": [["a", "b"]]},
        },
    )

    assert lint(definition) == []


@pytest.mark.parametrize(
    ("field", "definition"),
    [
        ("name", sale(name="Spring Sale")),
        ("category", sale(category="ADS")),
        ("language", sale(language="deutsch")),
        ("header", sale(header={"format": "TEXT", "text": "x" * 61})),
        ("header", sale(header={"format": "TEXT", "text": "Nur *heute*"})),
        (
            "header",
            sale(header={"format": "TEXT", "text": "Für {{a}} und {{b}}", "example": {"header_text": ["a"]}}),
        ),
        ("header", sale(header={"format": "SMELL"})),
        ("header.example", sale(header={"format": "VIDEO", "example": {}})),
        ("body", sale(body={"text": ""})),
        ("body", sale(body={"text": "x" * 1025})),
        ("body", sale(body={"text": "{{first_name}}, hier sind die neuen Angebote der Woche."})),
        ("body", sale(body={"text": "Die neuen Angebote der Woche für {{first_name}}"})),
        ("body", sale(body={"text": "Die neuen Angebote {{first_name}} {{end_date}} sind jetzt alle da."})),
        ("body", sale(body={"text": "Die neuen Angebote für {{First-Name}} sind da."})),
        ("body", sale(body={"text": "Die neuen Angebote für {{first_name sind da."})),
        ("body", sale(body={"text": "Hallo {{first_name}}, {{end_date}} da."})),
        (
            "body",
            sale(parameter_format="positional", body={"text": "Die Angebote für {{2}} sind endlich da."}),
        ),
        ("body.example", sale(body={"example": {}})),
        ("footer", sale(footer={"text": "x" * 61})),
        ("footer", sale(footer={"text": "Hallo {{name}}"})),
        ("buttons", buttons(*(reply(str(n)) for n in range(11)))),
        ("buttons", buttons(link("a"), link("b"), link("c"))),
        ("buttons", buttons(reply("a"), link("b"), reply("c"))),
        ("buttons", buttons(reply("a"), reply("a"))),
        ("buttons.0.text", buttons(reply("x" * 26))),
        ("buttons.0.text", buttons(reply("Hallo {{1}}"))),
        ("buttons.0", buttons({"type": "TELEPORT", "text": "Los"})),
        ("buttons.0.url", buttons(link("a", "https://example.com/{{1}}/b"))),
        ("buttons.0.url", buttons(link("a", "example.com"))),
        ("buttons.0.example", buttons(link("a", "https://example.com/{{1}}"))),
        ("buttons.0.phone_number", buttons({"type": "PHONE_NUMBER", "text": "Anrufen"})),
        ("buttons.0.example", buttons({"type": "COPY_CODE", "example": "X" * 16})),
        ("buttons.0.flow_id", buttons({"type": "FLOW", "text": "Start"})),
        ("carousel", sale(carousel={"cards": [{"components": []}]})),
    ],
)
def test_a_fault_is_found_before_meta_finds_it(field: str, definition: dict[str, Any]) -> None:
    problems = lint(definition)

    assert field in [problem.field for problem in problems]
    assert all(problem.message_de and problem.message_en for problem in problems)


def test_a_limited_offer_is_marketing_without_footer() -> None:
    offer = {"limited_time_offer": {"text": "Nur bis morgen", "has_expiration": True}}

    fields = [problem.field for problem in lint(sale(category="UTILITY", limited_time_offer=offer))]

    assert fields == ["footer", "limited_time_offer"]


def test_cards_must_look_alike() -> None:
    picture = {"type": "header", "format": "image", "example": {"header_handle": ["4::a"]}}
    film = picture | {"format": "video"}

    def cards(*headers: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"components": [header, {"type": "buttons", "buttons": [reply("Mehr")]}]} for header in headers]

    assert lint(sale(carousel={"cards": cards(picture, picture)})) == []
    assert [item.field for item in lint(sale(carousel={"cards": cards(picture, film)}))] == ["carousel"]


def test_a_code_template_needs_its_one_button() -> None:
    code = {"name": "code", "category": "AUTHENTICATION", "language": "de", "components": [{"type": "body"}]}

    assert [problem.field for problem in lint(code)] == ["buttons"]
    code["components"] += [{"type": "buttons", "buttons": [{"type": "otp", "otp_type": "copy_code"}]}]
    assert lint(code) == []


@pytest.mark.parametrize("definition", [{}, {"components": None}, {"components": ["x", {"type": None}]}])
def test_nonsense_is_a_list_of_problems_and_no_crash(definition: dict[str, Any]) -> None:
    assert "body" in [problem.field for problem in lint(definition)]
