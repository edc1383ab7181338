"""Addresses in texts become tracked links when a content is frozen, and `/r/<token>` when it is sent."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from messaging import actions, links, rendering
from messaging.models import Content, Link, Source
from messaging.rendering import Person, TemplateText
from tenants.models import Tenant
from tests import factories

SHOP = "https://shop.example/aktion?x=1"
ANNA = Person(phone="+4930231250001", values={"first_name": "Anna"}, attributes={"seite": SHOP})
BODY = TemplateText("herbst", "de", [{"type": "BODY", "text": "Hallo {{1}}, mehr unter {{2}} bei uns."}])
TOKENS = {7: "T" * 54}
FROZEN = {"name": "2", "from": "text", "text": f"Mehr: {SHOP}.", "pieces": ["Mehr: ", 7, "."]}


@pytest.fixture(autouse=True)
def _public(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://zusage.example"


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("Hallo", []),
        (SHOP, [SHOP]),
        (f"Schauen Sie: {SHOP}. Bis bald!", [SHOP]),
        (f"Kennen Sie {SHOP}?", [SHOP]),
        (f"({SHOP}), „{SHOP}“, *{SHOP}* und _{SHOP}_…", [SHOP] * 4),
        ("Siehe (https://shop.example/a_(b)).", ["https://shop.example/a_(b)"]),
        ("https://a.example/1 http://b.example:8080/2#c", ["https://a.example/1", "http://b.example:8080/2#c"]),
        ("HTTPS://Shop.example/Ä", ["HTTPS://Shop.example/Ä"]),
        ("shop.example, ftp://shop.example, mailto:a@shop.example, https://, https://...", []),
        ("https://zusage.example/r/abc, https://Zusage.example/p/x und https://zusage.example", []),
        ("https://zusage.example.org/", ["https://zusage.example.org/"]),
        ("https://wa.me/4930231250 https://api.whatsapp.com/send?phone=4930 https://whatsapp.com/channel/1", []),
        ("https://notwhatsapp.com/", ["https://notwhatsapp.com/"]),
        (f"{SHOP}{'x' * 2000}", []),
    ],
)
def test_what_counts_as_an_address(text: str, addresses: list[str]) -> None:
    pieces = links.split(text)

    assert pieces[1::2] == addresses
    assert "".join(pieces) == text


def frozen(tenant: Tenant, body: list[dict[str, Any]], **more: Any) -> Content:
    """A content with these values, of a source of its own."""
    source = actions.open_source(
        tenant=tenant, kind=Source.Kind.CAMPAIGN, name="Herbst", number=factories.number(tenant), purpose="marketing"
    )
    variables = {"body": body, **more}
    return actions.add_content(source=source, variant=0, template=factories.template(tenant), variables=variables)


def test_freezing_makes_one_link_of_each_address_and_keeps_the_text(in_bakery: Tenant) -> None:
    text = f"Mehr: {SHOP}. Oder https://shop.example/"
    first, second = {"name": "1", "from": "text", "text": text}, {"name": "2", "text": f"Nochmal {SHOP}"}

    content = frozen(in_bakery, [first, second])

    shop, home = Link.objects.filter(source=content.source).order_by("id")
    assert [(link.url, link.label) for link in (shop, home)] == [
        (SHOP, "shop.example/aktion"),
        ("https://shop.example/", "shop.example"),
    ]
    assert content.variables["body"] == [
        {**first, "pieces": ["Mehr: ", shop.pk, ". Oder ", home.pk, ""]},
        {**second, "pieces": ["Nochmal ", shop.pk, ""]},
    ]
    assert rendering.link_ids(content.variables) == [shop.pk, home.pk, shop.pk]


def test_what_differs_by_person_and_what_stands_in_a_header_is_left_alone(in_bakery: Tenant) -> None:
    body = [
        {"name": "1", "from": "attribute:seite", "text": SHOP, "fallback": SHOP},
        {"name": "2", "from": "text", "text": "heute"},
    ]
    header = {"kind": "text", "value": {"name": "1", "from": "text", "text": SHOP}}

    content = frozen(in_bakery, body, header=header)

    assert not Link.objects.filter(source=content.source).exists()
    assert (content.variables["body"], content.variables["header"]) == (body, header)
    value = rendering.value_of(body[0], ANNA, TOKENS)
    assert value == SHOP


def test_the_message_carries_the_token_and_the_preview_the_address() -> None:
    variables = {"body": [{"name": "1", "from": "first_name", "fallback": "du"}, FROZEN]}

    made = rendering.body(BODY, variables, ANNA, link_tokens=TOKENS, callback="x")

    (body,) = made["template"]["components"]
    assert body["parameters"][1]["text"] == f"Mehr: https://zusage.example/r/{TOKENS[7]}."
    assert rendering.preview(BODY, variables, ANNA).body == f"Hallo Anna, mehr unter Mehr: {SHOP}. bei uns."


def test_a_message_is_too_long_as_it_is_sent_not_as_it_was_entered() -> None:
    room = rendering.BODY_LIMIT - len(f"Hallo , mehr unter Mehr: {SHOP}. bei uns.")
    variables = {"body": [{"name": "1", "from": "text", "text": "x" * room}, FROZEN]}
    assert len(rendering.preview(BODY, variables, ANNA).body) == rendering.BODY_LIMIT

    with pytest.raises(rendering.TooLong):
        rendering.body(BODY, variables, ANNA, link_tokens=TOKENS, callback="x")


def test_a_text_as_sent_is_as_long_for_everybody() -> None:
    ids = {"tenant_id": 2**40, "link_id": 2**50, "message_id": 2**60}

    assert links.as_sent(f"Mehr: {SHOP}!") == f"Mehr: {links.as_sent(SHOP)}!"
    assert len(links.as_sent(SHOP)) == len(links.prefix() + links.token(**ids))


def reply(tenant: Tenant, text: str) -> Content:
    (person,) = factories.contacts(tenant, 1)
    message = actions.queue_reply(
        tenant=tenant,
        number=factories.number(tenant),
        contact=person,
        text=text,
        dedupe=text,
        expires_at=now() + timedelta(hours=1),
    )
    assert message is not None
    return Content.objects.get(source=message.source_id)


def test_addresses_in_an_answer_are_tracked_too(in_bakery: Tenant) -> None:
    content = reply(in_bakery, f"Hier: {SHOP}")

    link = Link.objects.get(source=content.source)
    made = rendering.free_form(content.free_form, ANNA, link_tokens={link.pk: "abc"}, callback="x")
    assert link.url == SHOP
    assert made["text"] == {"body": "Hier: https://zusage.example/r/abc", "preview_url": False}
    assert "pieces" not in made


@pytest.mark.parametrize("text", ["Gern.", SHOP + " " + "x" * (4095 - len(SHOP))])
def test_an_answer_without_an_address_or_without_room_goes_as_it_is(in_bakery: Tenant, text: str) -> None:
    content = reply(in_bakery, text)

    made = rendering.free_form(content.free_form, ANNA, link_tokens={}, callback="x")
    assert made["text"]["body"] == text
    assert not Link.objects.filter(source=content.source).exists()
