import json
from collections import Counter
from time import monotonic
from typing import Any

import pytest

from tests.whatsapp.emulator.cast import ACCOUNT, NUMBER, SECRET, definition
from whatsapp import events, signature
from whatsapp.client import Client
from whatsapp.emulator import Profile, Running
from whatsapp.emulator.fate import FAILS, fate_of
from whatsapp.errors import Refused, UnknownOutcome
from whatsapp.payloads import Recipient, messages, parts, templates

SALE = definition("sale")


@pytest.fixture
def sandbox(sandbox: Running) -> Running:
    """The app has subscribed, so it is told what happens."""
    sandbox.add_account(ACCOUNT, is_subscribed=True)
    return sandbox


def told(sandbox: Running) -> list[Any]:
    """All events the emulator told, once nothing more is to come."""
    assert sandbox.settle()
    found: list[Any] = []
    for body, headers in sandbox.take_webhooks():
        assert signature.is_valid([SECRET], body, headers["X-Hub-Signature-256"])
        found += events.parse(body)
    return found


def send(client: Client, magic: str, *buttons: dict[str, Any], phone: str = "") -> None:
    recipient = Recipient(phone=phone or f"+493023125{magic}")
    client.send(NUMBER, templates.template(recipient, "hello", "de", buttons=buttons, callback=f"m:{magic}"))


def statuses(found: list[Any]) -> list[str]:
    return [event.status for event in found if isinstance(event, events.Status)]


def inbound(found: list[Any]) -> list[events.Inbound]:
    return [event for event in found if isinstance(event, events.Inbound)]


@pytest.mark.parametrize(
    ("magic", "expected"),
    [
        ("001", ["sent", "delivered"]),
        ("002", ["sent", "delivered", "read"]),
        ("008", ["sent"]),
        ("010", ["sent", "delivered", "read"]),
        ("011", ["failed"]),
        ("012", ["sent", "read"]),
        ("013", ["sent", "sent", "delivered", "delivered", "read", "read"]),
        ("014", ["read", "delivered", "sent"]),
        ("015", []),
    ],
)
def test_a_magic_recipient_has_its_statuses(client: Client, sandbox: Running, magic: str, expected: list[str]) -> None:
    send(client, magic)

    assert statuses(told(sandbox)) == expected


@pytest.mark.parametrize(("magic", "code"), FAILS.items())
def test_a_magic_recipient_fails_by_webhook(client: Client, sandbox: Running, magic: int, code: int) -> None:
    send(client, str(magic))

    (status,) = told(sandbox)
    assert (status.status, status.error.code, status.callback) == ("failed", code, f"m:{magic}")


@pytest.mark.parametrize("magic", [code for code, fails in FAILS.items() if fails in (130472, 131049, 131050)])
def test_what_holds_back_advertising_holds_back_nothing_else(client: Client, sandbox: Running, magic: int) -> None:
    sandbox.say(NUMBER, f"493023125{magic}", "Hallo")
    assert sandbox.settle()
    sandbox.take_webhooks()

    client.send(NUMBER, messages.text(Recipient(phone=f"+493023125{magic}"), "Gern", callback="r:1"))

    assert statuses(told(sandbox)) == ["sent", "delivered"]


def test_a_status_names_the_message_the_attempt_and_the_price(client: Client, sandbox: Running) -> None:
    send(client, "001")

    _, delivered = told(sandbox)
    assert delivered.wamid == sandbox.ledger[0].wamid
    assert delivered.callback == "m:001"
    assert (delivered.account_id, delivered.phone_number_id) == (ACCOUNT, NUMBER)
    assert delivered.pricing == events.Pricing("regular", "marketing", "PMP")


def test_a_reply_quotes_the_message(client: Client, sandbox: Running) -> None:
    send(client, "004")

    (reply,) = inbound(told(sandbox))
    assert reply.context_wamid == sandbox.ledger[0].wamid
    assert reply.text in Profile().replies


def test_an_opt_out_is_a_text(client: Client, sandbox: Running) -> None:
    send(client, "005")

    assert [message.text for message in inbound(told(sandbox))] == ["STOPP"]


def test_somebody_without_number_answers_by_bsuid(client: Client, sandbox: Running) -> None:
    send(client, "018")

    found = told(sandbox)
    (reply,) = inbound(found)
    assert reply.from_phone == ""
    assert reply.from_bsuid.startswith("DE.")
    assert {event.recipient_bsuid for event in found if isinstance(event, events.Status)} == {reply.from_bsuid}


def test_a_tap_sends_the_payload_of_the_first_quick_reply(client: Client, sandbox: Running) -> None:
    send(client, "007", parts.url_button(0, "x"), parts.quick_reply_button(1, "STOP:42"))

    (tap,) = inbound(told(sandbox))
    assert (tap.type, tap.payload) == ("button", "STOP:42")


def test_stopped_marketing_fails_from_then_on_until_resumed(client: Client, sandbox: Running) -> None:
    send(client, "006")
    assert [event.value for event in told(sandbox) if isinstance(event, events.Preference)] == ["stop"]

    send(client, "006")
    (status,) = told(sandbox)
    assert status.error.code == 131050

    sandbox.prefer(NUMBER, "493023125006", "resume")
    send(client, "006")
    assert "delivered" in statuses(told(sandbox))


def test_who_blocked_the_number_gets_nothing_more_and_nobody_is_told(client: Client, sandbox: Running) -> None:
    send(client, "019")
    assert statuses(told(sandbox)) == ["sent", "delivered", "read"]

    send(client, "019")
    assert statuses(told(sandbox)) == ["sent"]

    sandbox.say(NUMBER, "493023125019", "Doch wieder")
    send(client, "019")
    assert "delivered" in statuses(told(sandbox))


def test_a_template_paused_while_pacing_says_so_in_the_answer(client: Client, sandbox: Running) -> None:
    template_id = sandbox.add_template(ACCOUNT, SALE)
    body = templates.template(Recipient(phone="+493023125009"), "sale", "de")

    assert client.send(NUMBER, body).is_paused

    pause, failed = told(sandbox)
    assert (pause.event, pause.template_id) == ("PAUSED", template_id)
    assert (failed.status, failed.error.code) == ("failed", 132015)
    with pytest.raises(Refused):
        client.send(NUMBER, body)


def changes(sandbox: Running) -> list[dict[str, Any]]:
    """The `value` objects of all webhooks, once nothing more is to come."""
    assert sandbox.settle()
    entries = [entry for body, _ in sandbox.take_webhooks() for entry in json.loads(body)["entry"]]
    return [change["value"] for entry in entries for change in entry["changes"]]


def test_a_status_introduces_whom_it_is_about_except_a_failure(client: Client, sandbox: Running) -> None:
    sandbox.configure(batch_size=1)
    for magic in ("001", "018", "126"):
        send(client, magic)

    found = {
        (v["statuses"][0]["biz_opaque_callback_data"], v["statuses"][0]["status"]): v
        for v in changes(sandbox)
        if "statuses" in v
    }

    for status in ("sent", "delivered"):
        (known,) = found["m:001", status]["contacts"]
        assert known["wa_id"] == "493023125001"
        assert known["user_id"] == found["m:001", status]["statuses"][0]["recipient_user_id"]
    (hidden,) = found["m:018", "read"]["contacts"]
    assert set(hidden) == {"user_id"}
    assert "contacts" not in found["m:126", "failed"]


def test_a_batch_introduces_each_person_once(client: Client, sandbox: Running) -> None:
    sandbox.configure(batch_wait_s=0.2)
    send(client, "002")
    send(client, "001")

    (value,) = changes(sandbox)

    assert len(value["statuses"]) == 5
    assert sorted(contact["wa_id"] for contact in value["contacts"]) == ["493023125001", "493023125002"]


@pytest.mark.parametrize(
    ("magic", "priced"), [("001", ["sent", "delivered"]), ("002", ["sent", "delivered"]), ("012", ["sent", "read"])]
)
def test_the_price_stands_on_sent_and_on_one_of_delivered_and_read(
    client: Client, sandbox: Running, magic: str, priced: list[str]
) -> None:
    send(client, magic)

    assert [event.status for event in told(sandbox) if event.pricing] == priced


def test_inside_the_window_service_and_utility_messages_are_charged(client: Client, sandbox: Running) -> None:
    sandbox.add_template(ACCOUNT, SALE | {"category": "UTILITY"})
    sandbox.say(NUMBER, "493023125001", "Hallo")
    told(sandbox)

    client.send(NUMBER, messages.text(Recipient(phone="+493023125001"), "Guten Tag"))
    client.send(NUMBER, templates.template(Recipient(phone="+493023125001"), "sale", "de"))

    prices = {event.pricing for event in told(sandbox)}
    assert prices == {events.Pricing("regular", "service", "PMP"), events.Pricing("regular", "utility", "PMP")}


@pytest.mark.parametrize(("magic", "taken"), [("300", 0), ("301", 1), ("302", 1), ("303", 1), ("304", 0)])
def test_an_answer_that_never_comes_hides_whether_the_message_was_taken(
    client: Client, sandbox: Running, magic: str, taken: int
) -> None:
    sandbox.configure(hang_s=0.05)

    with pytest.raises(UnknownOutcome):
        send(client, magic)

    assert len(sandbox.ledger) == taken


def test_a_slow_answer_comes_in_the_end(client: Client, sandbox: Running) -> None:
    sandbox.configure(slow_s=0.3)
    began = monotonic()

    send(client, "305")

    assert monotonic() - began > 0.3
    assert len(sandbox.ledger) == 1


def test_a_time_out_after_acceptance_is_told_by_webhook(client: Client, sandbox: Running) -> None:
    with pytest.raises(UnknownOutcome):
        send(client, "303")

    first = told(sandbox)[0]
    assert (first.status, first.callback) == ("sent", "m:303")


def test_a_template_is_reviewed_and_the_outcome_told(client: Client, sandbox: Running) -> None:
    for name in ("sale", "sale_rejected", "sale_pending"):
        client.create_template(ACCOUNT, SALE | {"name": name})

    found = {event.name: event.event for event in told(sandbox)}

    assert found == {"sale": "APPROVED", "sale_rejected": "REJECTED"}


def test_a_pause_is_told_and_holds(client: Client, sandbox: Running) -> None:
    template_id = sandbox.add_template(ACCOUNT, SALE)

    sandbox.judge_template(template_id, "PAUSED")

    (event,) = told(sandbox)
    assert (event.event, event.info_title, event.template_id) == ("PAUSED", "FIRST_PAUSE", template_id)
    assert client.template(template_id)["status"] == "PAUSED"


def test_one_can_speak_for_a_person(sandbox: Running) -> None:
    wamid = sandbox.say(NUMBER, "+49 30 23125400", "Ja, anmelden", name="Ada")
    sandbox.say(NUMBER, "DE.4711", payload="yes", title="Ja")
    sandbox.say(NUMBER, "493023125400", message={"type": "image", "image": {"id": "1", "mime_type": "image/png"}})

    text, tap, image = told(sandbox)

    assert (text.wamid, text.from_phone, text.text, text.profile_name) == (
        wamid,
        "493023125400",
        "Ja, anmelden",
        "Ada",
    )
    assert (tap.from_bsuid, tap.payload, tap.button_title) == ("DE.4711", "yes", "Ja")
    assert image.media.mime_type == "image/png"


def test_any_payload_can_be_injected_and_is_signed(sandbox: Running) -> None:
    sandbox.inject(
        {
            "object": "whatsapp_business_account",
            "entry": [{"id": "1", "changes": [{"field": "x", "value": {}}]}],
        }
    )

    (event,) = told(sandbox)
    assert event.field == "x"


CROWD = Profile.perfect(
    delivered=0.9,
    read=0.8,
    clicked=0.2,
    replied=0.1,
    opted_out=0.05,
    stopped=0.05,
    blocked=0.05,
    failures={"131026": 0.1},
    link="https://shop.example/r/{{1}}",
    seed=3,
)


def test_a_crowd_behaves_in_the_shares_of_its_profile(client: Client, sandbox: Running) -> None:
    sandbox.configure(CROWD)
    for number in range(400):
        send(client, f"c{number}", parts.url_button(0, f"t{number}"), phone=f"+4930{9000000 + number}")

    found = Counter(statuses(told(sandbox)))

    assert 15 < found["failed"] < 75
    assert 0.8 < found["delivered"] / found["sent"] < 0.98
    assert 0.7 < found["read"] / found["delivered"] < 0.9
    assert 0.12 < len(sandbox.clickers()) / found["read"] < 0.3
    assert 0.02 < sandbox.stats()["did_block"] / found["read"] < 0.1


def test_the_same_seed_gives_the_same_crowd_and_another_gives_another(client: Client, sandbox: Running) -> None:
    profiles = (CROWD, CROWD.changed({"seed": 4}))

    crowds = [[fate_of(profile, f"4930{n}", f"4930{n}", f"c{n}").action for n in range(300)] for profile in profiles]

    again = [fate_of(CROWD, f"4930{n}", f"4930{n}", f"c{n}").action for n in reversed(range(300))]
    assert crowds[0] == again[::-1]
    assert crowds[0] != crowds[1]


def test_a_click_names_link_person_and_whether_they_buy(client: Client, sandbox: Running) -> None:
    sandbox.configure(link="https://shop.example/r/{{1}}")
    for magic in ("003", "017"):
        send(client, magic, parts.url_button(0, f"t{magic}"))

    assert sandbox.settle()

    first, second = sandbox.clickers()
    assert (first["recipient"], first["link"]) == ("493023125003", "https://shop.example/r/t003")
    assert (first["callback"], first["orders"], second["orders"]) == ("m:003", False, True)
    assert second["value"] > 0
    assert first["status"] == 0, "only links to this machine are followed"
    assert [click["callback"] for click in sandbox.clickers(after=1)] == ["m:017"]
