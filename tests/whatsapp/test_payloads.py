from datetime import UTC, datetime

import pytest

from whatsapp.payloads import InvalidPayload, Recipient, interactive, messages, parts, templates

ADA = Recipient(phone="+49 30 23125-400")
ADA_BY_NAME = Recipient(bsuid="DE.13491208655302741918")


def test_a_phone_number_is_sent_with_plus_and_country_code() -> None:
    assert messages.text(ADA, "Hallo")["to"] == "+493023125400"


def test_a_person_known_by_bsuid_only_is_addressed_as_recipient() -> None:
    body = messages.text(ADA_BY_NAME, "Hallo")

    assert body["recipient"] == "DE.13491208655302741918"
    assert "to" not in body


def test_the_phone_wins_where_both_are_known() -> None:
    both = Recipient(phone="493023125400", bsuid="DE.1")

    assert both.address() == {"to": "+493023125400"}


@pytest.mark.parametrize(
    "recipient",
    [
        Recipient(),
        Recipient(phone="030 23125400"),
        Recipient(phone="0049301"),
        Recipient(phone="49a0231254"),
        Recipient(phone="+4930231254001234567"),
        Recipient(phone="٤٩٣٠٢٣١٢٥٤"),
        Recipient(bsuid="13491208655302741918"),
    ],
)
def test_nobody_is_addressed_by_a_malformed_number(recipient: Recipient) -> None:
    with pytest.raises(InvalidPayload):
        recipient.address()


def test_a_template_carries_its_parts_in_order() -> None:
    body = templates.template(
        ADA,
        "spring_sale",
        "de",
        header=parts.header_media("image", media_id="111"),
        body=["Ada", "30.11."],
        buttons=[parts.url_button(0, "t/abc"), parts.quick_reply_button(1, "STOP:42")],
        callback="a:1",
    )

    assert body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+493023125400",
        "type": "template",
        "template": {
            "name": "spring_sale",
            "language": {"code": "de"},
            "components": [
                {"type": "header", "parameters": [{"type": "image", "image": {"id": "111"}}]},
                {
                    "type": "body",
                    "parameters": [{"type": "text", "text": "Ada"}, {"type": "text", "text": "30.11."}],
                },
                {
                    "type": "button",
                    "sub_type": "url",
                    "index": "0",
                    "parameters": [{"type": "text", "text": "t/abc"}],
                },
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": "1",
                    "parameters": [{"type": "payload", "payload": "STOP:42"}],
                },
            ],
        },
        "biz_opaque_callback_data": "a:1",
    }


def test_a_template_without_variables_has_no_components() -> None:
    assert "components" not in templates.template(ADA, "hello", "de")["template"]


def test_named_variables_carry_their_names() -> None:
    body = templates.template(ADA, "hello", "de", body={"first_name": "Ada"})

    parameters = body["template"]["components"][0]["parameters"]
    assert parameters == [{"type": "text", "text": "Ada", "parameter_name": "first_name"}]


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("Ada\nLovelace", "Ada Lovelace"),
        ("Ada \r\n\r\n Lovelace", "Ada Lovelace"),
        ("Ada\tLovelace", "Ada Lovelace"),
        ("Ada\u2028Lovelace", "Ada Lovelace"),
        ("Ada          Lovelace", "Ada   Lovelace"),
        ("\t\t\t\tx", "x"),
        ("  Ada ", "Ada"),
    ],
)
def test_a_value_is_cleaned_of_what_meta_refuses(value: str, cleaned: str) -> None:
    assert parts.clean(value) == cleaned


@pytest.mark.parametrize("value", ["", "   ", "\n\t"])
def test_an_empty_value_is_named_not_sent(value: str) -> None:
    with pytest.raises(InvalidPayload, match=r"body\.2") as refusal:
        templates.template(ADA, "hello", "de", body=["Ada", value])

    assert refusal.value.field == "body.2"


def test_a_limited_offer_ends_at_a_moment_in_milliseconds() -> None:
    offer = parts.limited_offer(datetime(2025, 12, 1, tzinfo=UTC))

    assert offer["parameters"][0]["limited_time_offer"] == {"expiration_time_ms": 1764547200000}


def test_a_carousel_numbers_its_cards() -> None:
    card = [parts.header_media("image", media_id="1"), parts.url_button(0, "p/1")]

    body = templates.template(ADA, "cards", "de", cards=[card, card])

    carousel = body["template"]["components"][-1]
    assert [item["card_index"] for item in carousel["cards"]] == [0, 1]


def test_a_code_stands_in_body_and_button() -> None:
    components = templates.authentication(ADA, "code", "de", "123456")["template"]["components"]

    assert [part["parameters"][0]["text"] for part in components] == ["123456", "123456"]


def test_the_marketing_way_shares_nothing_with_meta_unless_told() -> None:
    body = templates.for_marketing(templates.template(ADA, "hello", "de"))

    assert body["message_activity_sharing"] is False
    assert body["product_policy"] == "CLOUD_API_FALLBACK"


def test_a_reply_quotes_its_message() -> None:
    assert messages.text(ADA, "Ja", reply_to="wamid.1")["context"] == {"message_id": "wamid.1"}


def test_a_read_mark_shows_typing_only_if_wanted() -> None:
    assert "typing_indicator" not in messages.mark_read("wamid.1")
    assert messages.mark_read("wamid.1", typing=True)["typing_indicator"] == {"type": "text"}


def test_every_kind_of_interactive_message_names_its_action() -> None:
    picture = interactive.media_header("image", messages.media_object("image", media_id="1"))
    card = interactive.Card(picture, "10 %", "Ansehen", "https://example.com/")
    contents = [
        interactive.buttons("Kommst du?", {"yes": "Ja", "no": "Nein"}, footer="Bäckerei"),
        interactive.choices("Wo?", "Filiale", {"": [interactive.Row("7", "Mitte")]}),
        interactive.link("Neu", "Ansehen", "https://example.com/", header=picture),
        interactive.product("c1", "sku"),
        interactive.products("Brot", "Frisch", "c1", {"Brot": ["sku"]}),
        interactive.catalog("Alles", thumbnail_retailer_id="sku"),
        interactive.flow("Umfrage", "Start", "t1", flow_id="5", screen="WELCOME", data={"a": 1}),
        interactive.carousel("Angebote", [card, card]),
        interactive.ask_location("Wo bist du?"),
        interactive.ask_phone("Deine Nummer?"),
    ]

    sent = [interactive.interactive(ADA, content) for content in contents]

    assert [body["interactive"]["type"] for body in sent] == [
        *("button", "list", "cta_url", "product", "product_list", "catalog_message", "flow", "carousel"),
        *("location_request_message", "request_contact_info"),
    ]
    assert all(body["interactive"]["action"] for body in sent)


LONG = "x" * 5000


@pytest.mark.parametrize(
    ("field", "build"),
    [
        ("text.body", lambda: messages.text(ADA, LONG)),
        ("text.body", lambda: messages.text(ADA, "")),
        ("image.caption", lambda: messages.media(ADA, "image", media_id="1", caption=LONG)),
        ("audio.caption", lambda: messages.media(ADA, "audio", media_id="1", caption="x")),
        ("image", lambda: messages.media(ADA, "image")),
        ("image", lambda: messages.media(ADA, "image", media_id="1", link="https://example.com/a.jpg")),
        ("image.filename", lambda: messages.media(ADA, "image", media_id="1", filename="a.jpg")),
        ("location", lambda: messages.location(ADA, 91, 0)),
        ("contacts", lambda: messages.contacts(ADA, [])),
        ("contacts.name", lambda: messages.contacts(ADA, [{"name": {"formatted_name": "Ada"}}])),
        ("biz_opaque_callback_data", lambda: messages.text(ADA, "x", callback="x" * 513)),
        ("buttons", lambda: interactive.buttons("x", {})),
        ("buttons", lambda: interactive.buttons("x", {str(n): str(n) for n in range(4)})),
        ("buttons.title", lambda: interactive.buttons("x", {"1": "Ja", "2": "Ja"})),
        ("buttons.title", lambda: interactive.buttons("x", {"1": "x" * 21})),
        ("body", lambda: interactive.buttons("x" * 1025, {"1": "Ja"})),
        ("footer", lambda: interactive.buttons("x", {"1": "Ja"}, footer="x" * 61)),
        ("header.text", lambda: interactive.text_header("x" * 61)),
        ("button", lambda: interactive.choices("x", "x" * 21, {"": [interactive.Row("1", "a")]})),
        (
            "sections.rows",
            lambda: interactive.choices("x", "a", {"": [interactive.Row(str(n), "a") for n in range(11)]}),
        ),
        (
            "sections.title",
            lambda: interactive.choices("x", "a", {"": [interactive.Row("1", "a")], "b": [interactive.Row("2", "b")]}),
        ),
        ("rows.description", lambda: interactive.choices("x", "a", {"": [interactive.Row("1", "a", LONG)]})),
        ("flow", lambda: interactive.flow("x", "a", "t")),
        ("flow_cta", lambda: interactive.flow("x", "a" * 31, "t", flow_id="1")),
        ("cards", lambda: interactive.carousel("x", [])),
        ("sections.products", lambda: parts.product_sections({"a": [str(n) for n in range(31)]})),
        ("buttons.0.coupon_code", lambda: parts.copy_code_button(0, "X" * 16)),
        ("buttons.0.coupon_code", lambda: parts.copy_code_button(0, "SAVE 25")),
        ("buttons.0.payload", lambda: parts.quick_reply_button(0, "x" * 129)),
        ("buttons.index", lambda: parts.url_button(10, "x")),
        ("limited_time_offer", lambda: parts.limited_offer(datetime(2025, 12, 1))),
        ("carousel.cards", lambda: parts.carousel([[]])),
        ("code", lambda: templates.authentication(ADA, "code", "de", "1" * 16)),
        ("to", lambda: templates.authentication(ADA_BY_NAME, "code", "de", "123456")),
        ("type", lambda: templates.for_marketing(messages.text(ADA, "x"))),
    ],
)
def test_a_broken_limit_names_its_field_and_never_the_value(field: str, build) -> None:
    with pytest.raises(InvalidPayload) as refusal:
        build()

    assert refusal.value.field == field
    assert LONG not in str(refusal.value)
