from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from whatsapp.client import Client
from whatsapp.emulator import Profile, Running, running
from whatsapp.emulator.fate import REFUSES, REFUSES_ONCE
from whatsapp.errors import Refused
from whatsapp.payloads import Recipient, messages, parts, templates

ACCOUNT, NUMBER = "102290129340398", "106540352242922"
ADA = Recipient(phone="+4930231254001")
BODY = {
    "type": "BODY",
    "text": "Hallo {{1}}, bis {{2}} gibt es Rabatt.",
    "example": {"body_text": [["a", "b"]]},
}
URL = {
    "type": "URL",
    "text": "Ansehen",
    "url": "https://example.com/r/{{1}}",
    "example": ["https://example.com/r/a"],
}
SALE = {
    "name": "sale",
    "category": "MARKETING",
    "language": "de",
    "components": [BODY, {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Abmelden"}, URL]}],
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Running]:
    with running() as running_emulator:
        yield running_emulator


@pytest.fixture
def meta(emulator: Running) -> Running:
    emulator.reset(everything=True)
    emulator.configure(Profile.perfect())
    return emulator


@pytest.fixture
def client(meta: Running) -> Iterator[Client]:
    with Client(meta.base_url, "v25.0", "token") as client:
        yield client


def hello(recipient: Recipient = ADA, callback: str = "a:1", **content: Any) -> dict[str, Any]:
    return templates.template(recipient, "hello", "de", callback=callback, **content)


def refusal_of(client: Client, body: dict[str, Any], *, number: str = NUMBER) -> int:
    """The code a send is refused with."""
    with pytest.raises(Refused) as refusal:
        client.send(number, body)
    return refusal.value.code


def test_a_call_without_token_is_refused_like_by_meta(meta: Running) -> None:
    answer = httpx.post(f"{meta.base_url}/v25.0/{NUMBER}/messages", json=hello())

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == 190
    assert answer.json()["error"]["fbtrace_id"]


def test_only_registered_tokens_count_where_some_are_registered(meta: Running, client: Client) -> None:
    meta.configure(tokens=["other"])
    assert refusal_of(client, hello()) == 190

    meta.configure(tokens=["other", "token"])

    assert client.send(NUMBER, hello()).wamid


@pytest.mark.parametrize(
    ("code", "change"),
    [
        (100, {"messaging_product": None}),
        (100, {"to": None}),
        (131009, {"to": "abc"}),
        (131009, {"to": None, "recipient": "4711"}),
        (131051, {"type": "hologram"}),
        (131008, {"template": None}),
        (131008, {"template": {"name": "x"}}),
        (131008, {"template": {"name": "", "language": {"code": "de"}}}),
        (131009, {"template": {"name": "x", "language": {"code": "de"}, "components": "x"}}),
        (131008, {"type": "text"}),
        (131008, {"type": "text", "text": {"body": ""}}),
        (131009, {"type": "text", "text": {"body": "x" * 4097}}),
        (131008, {"type": "image", "image": {}}),
        (131008, {"type": "location", "location": {"latitude": "x"}}),
        (131008, {"type": "contacts", "contacts": []}),
        (131008, {"type": "reaction", "reaction": {}}),
        (131008, {"type": "interactive", "interactive": {"type": "button"}}),
        (100, {"biz_opaque_callback_data": "x" * 513}),
        (100, {"biz_opaque_callback_data": 5}),
    ],
)
def test_a_faulty_body_is_refused_with_metas_code(client: Client, code: int, change: dict[str, Any]) -> None:
    body = hello() | change
    body = {key: value for key, value in body.items() if value is not None}

    assert refusal_of(client, body) == code


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"messaging_product":"whatsapp","to":{},"type":[]}'])
def test_nonsense_is_refused_and_not_a_crash(meta: Running, raw: bytes) -> None:
    answer = httpx.post(
        f"{meta.base_url}/v25.0/{NUMBER}/messages", content=raw, headers={"Authorization": "Bearer token"}
    )

    assert answer.json()["error"]["code"] in (100, 131009)


def test_a_refused_message_is_not_in_the_ledger(client: Client, meta: Running) -> None:
    refusal_of(client, hello() | {"type": "text"})

    assert len(meta.ledger) == 0


def test_a_registered_template_takes_fitting_values(client: Client, meta: Running) -> None:
    meta.add_number(NUMBER, ACCOUNT)
    meta.add_template(ACCOUNT, SALE)

    body = templates.template(ADA, "sale", "de", body=["Ada", "30.11."], buttons=[parts.url_button(1, "abc")])

    assert client.send(NUMBER, body).wamid


@pytest.mark.parametrize(
    ("code", "language", "content"),
    [
        (132001, "en", {"body": ["a", "b"], "buttons": [parts.url_button(1, "x")]}),
        (132000, "de", {"body": ["a"], "buttons": [parts.url_button(1, "x")]}),
        (132000, "de", {"buttons": [parts.url_button(1, "x")]}),
        (131008, "de", {"body": ["a", "b"]}),
        (132005, "de", {"body": ["a", "x" * 1020], "buttons": [parts.url_button(1, "x")]}),
        (132018, "de", {"body": ["a", "b"], "buttons": [parts.url_button(1, "x"), parts.url_button(2, "x")]}),
    ],
)
def test_values_that_do_not_fit_are_refused(
    client: Client, meta: Running, code: int, language: str, content: dict[str, Any]
) -> None:
    meta.add_number(NUMBER, ACCOUNT)
    meta.add_template(ACCOUNT, SALE)

    assert refusal_of(client, templates.template(ADA, "sale", language, **content)) == code


def test_a_value_with_a_line_break_is_refused(client: Client, meta: Running) -> None:
    meta.add_number(NUMBER, ACCOUNT)
    meta.add_template(ACCOUNT, SALE)
    body = templates.template(ADA, "sale", "de", body=["Ada", "x"], buttons=[parts.url_button(1, "abc")])
    body["template"]["components"][0]["parameters"][1]["text"] = "30.\n11."

    assert refusal_of(client, body) == 132018


def test_named_values_must_carry_the_names_of_the_template(client: Client, meta: Running) -> None:
    meta.add_number(NUMBER, ACCOUNT)
    text = {"type": "BODY", "text": "Hallo {{first_name}}, schön dass du da bist."}
    meta.add_template(ACCOUNT, SALE | {"parameter_format": "named", "components": [text]})

    assert client.send(NUMBER, templates.template(ADA, "sale", "de", body={"first_name": "Ada"})).wamid
    assert refusal_of(client, templates.template(ADA, "sale", "de", body={"name": "Ada"})) == 132000


@pytest.mark.parametrize(
    ("status", "code"), [("PENDING", 132001), ("REJECTED", 132001), ("PAUSED", 132015), ("DISABLED", 132016)]
)
def test_only_an_approved_template_is_sent(client: Client, meta: Running, status: str, code: int) -> None:
    meta.add_number(NUMBER, ACCOUNT)
    meta.add_template(ACCOUNT, SALE, status=status)

    assert refusal_of(client, templates.template(ADA, "sale", "de")) == code


def test_unknown_templates_are_refused_only_on_demand(client: Client, meta: Running) -> None:
    assert client.send(NUMBER, hello()).wamid

    meta.configure(templates_must_exist=True)

    assert refusal_of(client, hello()) == 132001


def test_the_marketing_way_is_for_marketing_only(client: Client, meta: Running) -> None:
    meta.add_number(NUMBER, ACCOUNT)
    meta.add_template(ACCOUNT, SALE | {"category": "UTILITY", "components": [BODY]})
    body = templates.template(ADA, "sale", "de", body=["a", "b"])

    with pytest.raises(Refused) as refusal:
        client.send_marketing(NUMBER, body)

    assert refusal.value.code == 134100


def test_an_account_can_close_the_ordinary_way_to_marketing(client: Client, meta: Running) -> None:
    meta.add_account(ACCOUNT, refuses_marketing=True)
    meta.add_number(NUMBER, ACCOUNT)

    assert refusal_of(client, hello()) == 131063
    assert client.send_marketing(NUMBER, templates.for_marketing(hello())).wamid


def test_a_number_cannot_write_to_itself(client: Client, meta: Running) -> None:
    meta.add_number(NUMBER, ACCOUNT, display="+49 30 901820")

    assert refusal_of(client, hello(Recipient(phone="+4930901820"))) == 131021


@pytest.mark.parametrize(("magic", "code"), REFUSES.items())
def test_a_magic_recipient_is_refused_each_time(client: Client, magic: int, code: int) -> None:
    body = hello(Recipient(phone=f"+493023125{magic}"))

    assert [refusal_of(client, body), refusal_of(client, body)] == [code, code]


@pytest.mark.parametrize(("magic", "code"), REFUSES_ONCE.items())
def test_a_magic_recipient_is_refused_once_and_then_accepted(client: Client, magic: int, code: int) -> None:
    body = hello(Recipient(phone=f"+493023125{magic}"))

    assert refusal_of(client, body) == code
    assert client.send(NUMBER, body).wamid


def test_magic_can_be_switched_off(client: Client, meta: Running) -> None:
    meta.configure(magic=False)

    assert client.send(NUMBER, hello(Recipient(phone="+493023125201"))).wamid


def test_throughput_is_limited_per_number(client: Client, meta: Running) -> None:
    meta.configure(throughput_per_s=0.1)

    codes = [_code(client, hello(Recipient(phone=f"+4930{9000000 + n}"))) for n in range(3)]

    assert codes == [0, 130429, 130429]
    assert client.send("106540352242923", hello()).wamid


def test_a_pair_takes_a_burst_and_then_a_pause(client: Client, meta: Running) -> None:
    meta.configure(pair_limit=True, pair_burst=3)

    codes = [_code(client, hello()) for _ in range(4)]

    assert codes == [0, 0, 0, 131056]
    assert client.send(NUMBER, hello(Recipient(phone="+4930231254002"))).wamid


def test_the_daily_limit_counts_people_not_messages(client: Client, meta: Running) -> None:
    meta.configure(daily_people=2)
    people = [Recipient(phone=f"+493090000{n}") for n in (1, 1, 2, 3, 1)]

    codes = [_code(client, hello(person)) for person in people]

    assert codes == [0, 0, 0, 131048, 0]


def _code(client: Client, body: dict[str, Any]) -> int:
    try:
        client.send(NUMBER, body)
    except Refused as refusal:
        return refusal.code
    return 0


def test_shares_of_refusals_hit_the_same_people_in_any_order(client: Client, meta: Running) -> None:
    people = [Recipient(phone=f"+493090000{n:03}") for n in range(60)]
    codes = []
    for order in (people, people[::-1]):
        meta.reset()
        meta.configure(refused={"130429": 0.3}, seed=7)
        codes.append({person.phone: _code(client, hello(person)) for person in order})

    assert codes[0] == codes[1]
    assert 5 < list(codes[0].values()).count(130429) < 35


def test_the_ledger_proves_who_got_what_how_often(client: Client, meta: Running) -> None:
    client.send(NUMBER, hello(callback="a:1"))
    client.send(NUMBER, hello(callback="a:2"))
    client.send(NUMBER, hello(callback="a:2"))

    assert meta.duplicates() == {"a:2": 2}
    assert meta.ledger.duplicates() == {"a:2": 2}
    assert [item["callback"] for item in meta.acceptances(recipient="+4930231254001")] == [
        "a:1",
        "a:2",
        "a:2",
    ]
    first, second, third = meta.ledger
    assert second.body_hash == third.body_hash != first.body_hash
    assert len({first.wamid, second.wamid, third.wamid}) == 3
    assert meta.ledger.row_of(second.wamid) == 1
    assert meta.ledger.row_of("wamid.x") is None


def test_free_text_outside_the_window_fails_by_webhook_and_inside_is_delivered(client: Client, meta: Running) -> None:
    meta.configure(window_enforced=True)
    client.send(NUMBER, messages.text(ADA, "Hallo"))
    assert meta.settle()
    assert meta.stats()["failed"] == 1

    meta.say(NUMBER, "4930231254001", "Hallo")
    client.send(NUMBER, messages.text(ADA, "Hallo"))

    assert meta.settle()
    assert (meta.stats()["failed"], meta.stats()["delivered"]) == (1, 1)


def test_every_kind_of_message_is_taken(client: Client, meta: Running) -> None:
    card = {"name": {"formatted_name": "Ada B", "first_name": "Ada"}}
    uploaded = client.upload_media(NUMBER, b"\x89PNG\r\n\x1a\n", "image/png", "a.png")
    bodies = [
        messages.text(ADA, "Hallo"),
        *(messages.media(ADA, kind, media_id=uploaded) for kind in ("image", "video", "document", "audio", "sticker")),
        messages.location(ADA, 52.5, 13.4),
        messages.contacts(ADA, [card]),
        messages.reaction(ADA, "wamid.1", "👍"),
    ]

    for body in bodies:
        client.send(NUMBER, body)

    assert len(meta.ledger) == len(bodies)
