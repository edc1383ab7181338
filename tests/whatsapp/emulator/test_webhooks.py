import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.whatsapp.emulator.cast import ACCOUNT, NUMBER, SECRET
from whatsapp import events, signature
from whatsapp.client import Client
from whatsapp.emulator import Emulator, Profile, Running, running
from whatsapp.payloads import Recipient, parts, templates


class Door:
    """A shop's server: takes webhooks, redirects visitors, refuses the first `broken` posts."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.broken = 0
        self.bodies: list[bytes] = []
        self.signatures: list[str] = []
        self.visits: list[tuple[str, str]] = []

    def events(self) -> list[events.Event]:
        return [event for body in self.bodies for event in events.parse(body)]


@contextmanager
def open_door() -> Iterator[Door]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if door.broken:
                door.broken -= 1
                self.answer(500)
                return
            door.bodies.append(body)
            door.signatures.append(self.headers["X-Hub-Signature-256"])
            self.answer(200)

        def do_GET(self) -> None:
            door.visits.append((self.path, self.headers["user-agent"]))
            self.answer(302, "https://shop.example/?zt=1")

        def answer(self, status: int, location: str = "") -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            if location:
                self.send_header("location", location)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    door = Door(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield door
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def door() -> Iterator[Door]:
    with open_door() as opened:
        yield opened


@contextmanager
def meta_telling(door: Door, **profile: object) -> Iterator[tuple[Running, Client]]:
    with (
        running(Profile.perfect(**profile), webhook_url=door.url, app_secret=SECRET) as meta,
        Client(meta.base_url, "v25.0", "token") as client,
    ):
        meta.add_account(ACCOUNT, is_subscribed=True)
        meta.add_number(NUMBER, ACCOUNT)
        yield meta, client


def send_to(client: Client, phone: str, *buttons: dict, number: str = NUMBER) -> None:
    body = templates.template(Recipient(phone=phone), "hello", "de", buttons=buttons, callback=phone)
    client.send(number, body)


def test_webhooks_are_posted_signed_over_their_raw_bytes(door: Door) -> None:
    with meta_telling(door) as (meta, client):
        send_to(client, "+493090000001")
        meta.say(NUMBER, "493090000001", "Grüße 👍")
        assert meta.settle()

    assert len(door.events()) == 4
    assert all(body.isascii() for body in door.bodies), "Meta escapes everything beyond ASCII"
    for body, header in zip(door.bodies, door.signatures, strict=True):
        assert signature.is_valid([SECRET], body, header)


def test_webhooks_come_in_batches_of_the_wanted_size(door: Door) -> None:
    with meta_telling(door, batch_size=7, batch_wait_s=0.3) as (meta, client):
        for number in range(20):
            send_to(client, f"+4930900000{number:02}")
        assert meta.settle()

    sizes = [len(events.parse(body)) for body in door.bodies]
    assert sum(sizes) == 60
    assert max(sizes) == 7


def test_single_webhooks_are_a_batch_of_one(door: Door) -> None:
    with meta_telling(door, batch_size=1) as (meta, client):
        send_to(client, "+493090000001")
        assert meta.settle()

    assert [len(events.parse(body)) for body in door.bodies] == [1, 1, 1]


def test_a_webhook_that_is_not_answered_200_comes_again(door: Door) -> None:
    door.broken = 3
    with meta_telling(door, retry_base_s=0.01) as (meta, client):
        send_to(client, "+493090000001")
        assert meta.settle()
        assert meta.stats()["webhooks_repeated"] == 3

    assert {event.status for event in door.events()} == {"sent", "delivered", "read"}  # type: ignore[union-attr]


def test_a_webhook_nobody_takes_is_given_up_in_the_end(door: Door) -> None:
    door.broken = 1000
    with meta_telling(door, retry_base_s=0.001, retry_limit=2) as (meta, client):
        send_to(client, "+493090000001")
        assert meta.settle()
        assert meta.stats()["webhooks_lost"] >= 1

    assert door.bodies == []


def test_duplicates_and_disorder_lose_nothing(door: Door) -> None:
    with meta_telling(door, duplicates=0.5, shuffled=True, batch_wait_s=0.2) as (meta, client):
        for number in range(30):
            send_to(client, f"+4930900000{number:02}")
        assert meta.settle()

    found = [(event.wamid, event.status) for event in door.events()]  # type: ignore[union-attr]
    assert len(set(found)) == 90
    assert len(found) > 100
    assert found != sorted(found, key=lambda item: ("sent", "delivered", "read").index(item[1]))


def test_a_number_can_have_a_door_of_its_own(door: Door) -> None:
    with open_door() as own, meta_telling(door) as (meta, client):
        meta.add_number("4711", ACCOUNT, webhook_url=own.url)
        send_to(client, "+493090000001", number="4711")
        meta.prefer("4711", "493090000001")
        assert meta.settle()

        assert {type(event) for event in own.events()} == {events.Status}
    assert {type(event) for event in door.events()} == {events.Preference}, "only messages follow the override"


def test_nothing_is_told_about_an_account_without_a_subscription(door: Door) -> None:
    with meta_telling(door) as (meta, client):
        meta.add_account("4712")
        meta.add_number("4711", "4712")
        send_to(client, "+493090000001", number="4711")
        client.unsubscribe(ACCOUNT)
        send_to(client, "+493090000002")
        meta.prefer(NUMBER, "493090000002")
        assert meta.settle()
        assert (door.bodies, meta.stats()["webhooks_without_subscription"]) == ([], 7)

        client.subscribe("4712")
        meta.add_account("4712", name="Umbenannt GmbH")
        send_to(client, "+493090000001", number="4711")
        assert meta.settle()

    assert {event.status for event in door.events()} == {"sent", "delivered", "read"}  # type: ignore[union-attr]


def test_a_click_is_a_preview_by_whatsapp_and_then_a_visit_by_a_phone(door: Door) -> None:
    with meta_telling(door, link=f"{door.url}/r/{{{{1}}}}") as (meta, client):
        send_to(client, "+493023125003", parts.url_button(0, "abc?x=1"))
        assert meta.settle()
        (click,) = meta.clickers()

    (preview, visit) = door.visits
    assert preview[0] == visit[0] == "/r/abc?x=1"
    assert preview[1].startswith("WhatsApp/")
    assert "iPhone" in visit[1]
    assert (click["status"], click["location"]) == (302, "https://shop.example/?zt=1")


def test_a_link_can_be_visited_at_another_origin(door: Door) -> None:
    profile = {"link": "https://zusage.example/r/{{1}}", "link_origin": door.url}
    with meta_telling(door, **profile) as (meta, client):
        send_to(client, "+493023125003", parts.url_button(0, "abc"))
        assert meta.settle()

    assert [path for path, _ in door.visits] == ["/r/abc", "/r/abc"]


def test_a_reset_forgets_messages_and_keeps_numbers(door: Door) -> None:
    with meta_telling(door) as (meta, client):
        send_to(client, "+493090000001")
        assert meta.settle()
        before = meta.ledger[0].wamid

        meta.reset()

        assert (len(meta.ledger), meta.stats()["accepted"]) == (0, 0)
        assert client.number(NUMBER)["id"] == NUMBER
        send_to(client, "+493090000001")
        assert meta.ledger[0].wamid != before


def test_delays_pass_faster_with_speed(door: Door) -> None:
    delays = {"sent_after_s": [1, 1], "delivered_after_s": [60, 60], "read_after_s": [3600, 3600]}
    with meta_telling(door) as (meta, client):
        meta.configure(speed=36_000, **delays)
        send_to(client, "+493090000001")
        assert meta.settle(5)
        assert meta.stats()["read"] == 1

        meta.configure(speed=1)
        send_to(client, "+493090000002")
        assert not meta.settle(0.05)
        assert "delivered" in meta.stats()


@pytest.mark.parametrize("changes", [{"clicks": 1}, {"speed": "fast"}, {"magic": 1}, {"replies": "x"}, {"seed": True}])
def test_a_profile_refuses_what_it_does_not_know(changes: dict) -> None:
    with pytest.raises(ValueError, match="profile"):
        Profile().changed(changes)


def test_a_refused_change_leaves_the_behaviour_as_it_was(door: Door) -> None:
    with meta_telling(door) as (meta, _):
        before = meta.configure()

        with pytest.raises(ValueError, match="clicks"):
            meta.configure(speed=5, clicks=1)

        assert meta.configure() == before


def test_a_profile_goes_through_json_unchanged() -> None:
    profile = Profile(speed=0, failures={"131026": 0.5}, replies=("Ja",))

    assert Profile().changed(json.loads(json.dumps(profile.as_json()))) == profile


def test_two_emulators_share_nothing(door: Door) -> None:
    with meta_telling(door) as (meta, client), running() as other:
        send_to(client, "+493090000001")

        assert (len(meta.ledger), len(other.ledger)) == (1, 0)


def test_the_app_is_plain_asgi_and_needs_no_server() -> None:
    sent = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict) -> None:
        sent.append(message)

    async def call() -> None:
        scope = {"type": "http", "method": "GET", "path": "/_emulator/", "query_string": b"", "headers": []}
        await Emulator()(scope, receive, send)

    asyncio.run(call())

    assert json.loads(sent[1]["body"])["accepted"] == 0
