from typing import Any

import httpx
import pytest

from tests.whatsapp.emulator.cast import ACCOUNT, ADA, NUMBER, code_of, definition
from whatsapp.client import Client
from whatsapp.emulator import Running
from whatsapp.emulator.fate import REFUSES, REFUSES_ONCE
from whatsapp.payloads import Recipient, messages, parts, templates

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
BUTTONS = {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Abmelden"}, URL]}
SALE = definition("sale", components=[BODY, BUTTONS])


def hello(recipient: Recipient = ADA, callback: str = "a:1", **content: Any) -> dict[str, Any]:
    return templates.template(recipient, "hello", "de", callback=callback, **content)


def code_for(client: Client, body: dict[str, Any], *, number: str = NUMBER) -> int:
    """The code a send is refused with, 0 if it is accepted."""
    return code_of(lambda: client.send(number, body))


def test_a_call_without_token_is_refused_like_by_meta(sandbox: Running) -> None:
    answer = httpx.post(f"{sandbox.base_url}/v25.0/{NUMBER}/messages", json=hello())

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == 190
    assert answer.json()["error"]["fbtrace_id"]


def test_only_registered_tokens_count_where_some_are_registered(sandbox: Running, client: Client) -> None:
    sandbox.configure(tokens=["other"])
    assert code_for(client, hello()) == 190

    sandbox.configure(tokens=["other", "token"])

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
def test_a_faulty_body_is_refused_with_metascode_for(client: Client, code: int, change: dict[str, Any]) -> None:
    body = hello() | change
    body = {key: value for key, value in body.items() if value is not None}

    assert code_for(client, body) == code


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"messaging_product":"whatsapp","to":{},"type":[]}'])
def test_nonsense_is_refused_and_not_a_crash(sandbox: Running, raw: bytes) -> None:
    answer = httpx.post(
        f"{sandbox.base_url}/v25.0/{NUMBER}/messages", content=raw, headers={"Authorization": "Bearer token"}
    )

    assert answer.json()["error"]["code"] in (100, 131009)


def test_a_refused_message_is_not_in_the_ledger(client: Client, sandbox: Running) -> None:
    code_for(client, hello() | {"type": "text"})

    assert len(sandbox.ledger) == 0


def test_a_registered_template_takes_fitting_values(client: Client, sandbox: Running) -> None:
    sandbox.add_template(ACCOUNT, SALE)

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
    client: Client, sandbox: Running, code: int, language: str, content: dict[str, Any]
) -> None:
    sandbox.add_template(ACCOUNT, SALE)

    assert code_for(client, templates.template(ADA, "sale", language, **content)) == code


def test_a_value_with_a_line_break_is_refused(client: Client, sandbox: Running) -> None:
    sandbox.add_template(ACCOUNT, SALE)
    body = templates.template(ADA, "sale", "de", body=["Ada", "x"], buttons=[parts.url_button(1, "abc")])
    body["template"]["components"][0]["parameters"][1]["text"] = "30.\n11."

    assert code_for(client, body) == 132018


def test_named_values_must_carry_the_names_of_the_template(client: Client, sandbox: Running) -> None:
    text = {"type": "BODY", "text": "Hallo {{first_name}}, schön dass du da bist."}
    sandbox.add_template(ACCOUNT, SALE | {"parameter_format": "named", "components": [text]})

    assert client.send(NUMBER, templates.template(ADA, "sale", "de", body={"first_name": "Ada"})).wamid
    assert code_for(client, templates.template(ADA, "sale", "de", body={"name": "Ada"})) == 132000


@pytest.mark.parametrize(
    ("status", "code"), [("PENDING", 132001), ("REJECTED", 132001), ("PAUSED", 132015), ("DISABLED", 132016)]
)
def test_only_an_approved_template_is_sent(client: Client, sandbox: Running, status: str, code: int) -> None:
    sandbox.add_template(ACCOUNT, SALE, status=status)

    assert code_for(client, templates.template(ADA, "sale", "de")) == code


def test_unknown_templates_are_refused_only_on_demand(client: Client, sandbox: Running) -> None:
    assert client.send(NUMBER, hello()).wamid

    sandbox.configure(templates_must_exist=True)

    assert code_for(client, hello()) == 132001


def test_the_marketing_way_is_for_marketing_only(client: Client, sandbox: Running) -> None:
    sandbox.add_template(ACCOUNT, SALE | {"category": "UTILITY", "components": [BODY]})
    body = templates.template(ADA, "sale", "de", body=["a", "b"])

    assert code_of(lambda: client.send_marketing(NUMBER, body)) == 134100


def test_an_account_can_close_the_ordinary_way_to_marketing(client: Client, sandbox: Running) -> None:
    sandbox.add_account(ACCOUNT, refuses_marketing=True)

    assert code_for(client, hello()) == 131063
    assert client.send_marketing(NUMBER, templates.for_marketing(hello())).wamid


def test_a_number_cannot_write_to_itself(client: Client, sandbox: Running) -> None:
    sandbox.add_number(NUMBER, ACCOUNT, display="+49 30 901820")

    assert code_for(client, hello(Recipient(phone="+4930901820"))) == 131021


@pytest.mark.parametrize(("magic", "code"), REFUSES.items())
def test_a_magic_recipient_is_refused_each_time(client: Client, magic: int, code: int) -> None:
    body = hello(Recipient(phone=f"+493023125{magic}"))

    assert [code_for(client, body), code_for(client, body)] == [code, code]


@pytest.mark.parametrize(("magic", "code"), REFUSES_ONCE.items())
def test_a_magic_recipient_is_refused_once_and_then_accepted(client: Client, magic: int, code: int) -> None:
    body = hello(Recipient(phone=f"+493023125{magic}"))

    assert code_for(client, body) == code
    assert client.send(NUMBER, body).wamid


def test_magic_can_be_switched_off(client: Client, sandbox: Running) -> None:
    sandbox.configure(magic=False)

    assert client.send(NUMBER, hello(Recipient(phone="+493023125201"))).wamid


def test_throughput_is_limited_per_number(client: Client, sandbox: Running) -> None:
    sandbox.configure(throughput_per_s=0.1)

    codes = [code_for(client, hello(Recipient(phone=f"+4930{9000000 + n}"))) for n in range(3)]

    assert codes == [0, 130429, 130429]
    assert client.send("106540352242923", hello()).wamid


def test_a_pair_takes_a_burst_and_then_a_pause(client: Client, sandbox: Running) -> None:
    sandbox.configure(pair_limit=True, pair_burst=3)

    codes = [code_for(client, hello()) for _ in range(4)]

    assert codes == [0, 0, 0, 131056]
    assert client.send(NUMBER, hello(Recipient(phone="+4930231254002"))).wamid


def test_the_daily_limit_counts_people_not_messages(client: Client, sandbox: Running) -> None:
    sandbox.configure(daily_people=2)
    people = [Recipient(phone=f"+493090000{n}") for n in (1, 1, 2, 3, 1)]

    codes = [code_for(client, hello(person)) for person in people]

    assert codes == [0, 0, 0, 131048, 0]


def test_shares_of_refusals_hit_the_same_people_in_any_order(client: Client, sandbox: Running) -> None:
    people = [Recipient(phone=f"+493090000{n:03}") for n in range(60)]
    codes = []
    for order in (people, people[::-1]):
        sandbox.reset()
        sandbox.configure(refused={"130429": 0.3}, seed=7)
        codes.append({person.phone: code_for(client, hello(person)) for person in order})

    assert codes[0] == codes[1]
    assert 5 < list(codes[0].values()).count(130429) < 35


def test_the_ledger_proves_who_got_what_how_often(client: Client, sandbox: Running) -> None:
    client.send(NUMBER, hello(callback="a:1"))
    client.send(NUMBER, hello(callback="a:2"))
    client.send(NUMBER, hello(callback="a:2"))

    assert sandbox.duplicates() == {"a:2": 2}
    assert sandbox.ledger.duplicates() == {"a:2": 2}
    assert [item["callback"] for item in sandbox.acceptances(recipient="+4930231254001")] == [
        "a:1",
        "a:2",
        "a:2",
    ]
    first, second, third = sandbox.ledger
    assert second.body_hash == third.body_hash != first.body_hash
    assert len({first.wamid, second.wamid, third.wamid}) == 3
    assert sandbox.ledger.row_of(second.wamid) == 1
    assert sandbox.ledger.row_of("wamid.x") is None


def test_free_text_fails_by_webhook_outside_the_window_and_is_delivered_inside(
    client: Client, sandbox: Running
) -> None:
    sandbox.configure(window_enforced=True)
    client.send(NUMBER, messages.text(ADA, "Hallo"))
    assert sandbox.settle()
    assert sandbox.stats()["failed"] == 1

    sandbox.say(NUMBER, "4930231254001", "Hallo")
    client.send(NUMBER, messages.text(ADA, "Hallo"))

    assert sandbox.settle()
    assert (sandbox.stats()["failed"], sandbox.stats()["delivered"]) == (1, 1)


def test_every_kind_of_message_is_taken(client: Client, sandbox: Running) -> None:
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

    assert len(sandbox.ledger) == len(bodies)
