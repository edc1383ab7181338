"""The fast door: only what Meta signed gets in, and what was answered with 200 is in the database."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inbox import recording
from inbox.door.answering import Door, Message
from inbox.door.committing import Committer
from inbox.door.patience import Patience
from inbox.models import WebhookEvent
from inbox.recording import LARGEST, Received, priority_of
from tenants.models import Tenant
from tenants.scope import across_tenants
from tests.inbox import meta
from tests.inbox.conftest import connect
from whatsapp.models import Number
from whatsapp.signature import sign

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("truncatable"),
    pytest.mark.usefixtures("as_runtime"),
]


def stored() -> list[tuple[int | None, bytes]]:
    with across_tenants("this test"):
        return [(row.account_id, bytes(row.body)) for row in WebhookEvent.objects.order_by("id")]


def own_path(number: Number) -> str:
    return f"{meta.PATH}{number.account.uid}/"


def test_a_signed_body_is_stored_as_it_came(number: Number) -> None:
    content = meta.body(number, statuses=[meta.status("wamid.1", "sent")])

    assert meta.knock(content).status_code == 200

    assert stored() == [(None, content)]


def test_a_wrong_or_missing_signature_stores_nothing(number: Number) -> None:
    content = meta.body(number, statuses=[meta.status("wamid.1", "sent")])

    assert meta.knock(content, secret="a guess").status_code == 403
    assert meta.knock(content, signature="sha256=").status_code == 403
    assert meta.knock(content, signature="").status_code == 401
    assert stored() == []


def test_an_app_without_secret_lets_nobody_in(number: Number, settings: pytest.FixtureRequest) -> None:
    settings.WHATSAPP_APP_SECRET = ""

    assert meta.knock(b"{}", secret="").status_code == 403
    assert stored() == []


def test_a_tenants_own_app_posts_to_its_own_path(shop_number: Number) -> None:
    content = meta.body(shop_number, statuses=[meta.status("wamid.1", "sent")])

    assert meta.knock(content, path=own_path(shop_number), secret="the shop's secret").status_code == 200
    assert meta.knock(content, path=own_path(shop_number)[:-1], secret="the shop's secret").status_code == 200

    assert stored() == [(shop_number.account_id, content)] * 2


def test_a_tenants_secret_opens_no_other_path(number: Number, shop_number: Number) -> None:
    content = meta.body(number, statuses=[meta.status("wamid.1", "sent")])

    assert meta.knock(content, secret="the shop's secret").status_code == 403
    assert meta.knock(content, path=own_path(shop_number), secret=meta.SECRET).status_code == 403
    # The bakery has no app of its own: its path does not exist, whatever signs.
    assert meta.knock(content, path=own_path(number), secret="unknown").status_code == 404
    assert meta.knock(content, path=f"{meta.PATH}{uuid.uuid4()}/").status_code == 404
    assert meta.knock(content, path="/webhooks/whatsapp/1/").status_code == 404
    assert stored() == []


def test_made_up_paths_do_not_make_the_door_ask_the_database_each_time(shop_number: Number) -> None:
    with CaptureQueriesContext(connection) as captured:
        found = {recording.own_app(uuid.uuid4()) for _ in range(50)}

    assert found == {None}
    reads = [query for query in captured if "whatsapp_account" in query["sql"]]
    # One to begin with, one for all that is not found within the next second.
    assert len(reads) <= 2


def test_an_account_that_was_just_connected_is_found_at_once(shop: Tenant, shop_number: Number) -> None:
    assert recording.own_app(shop_number.account.uid)
    newer = connect(shop, "newer", app_secret="newer secret")

    app = recording.own_app(newer.account.uid)

    assert app
    assert app.secret == "newer secret"


def test_a_body_over_three_megabytes_is_refused(number: Number) -> None:
    fits, too_large = b"x" * LARGEST, b"x" * (LARGEST + 1)

    assert meta.knock(fits).status_code == 200
    assert meta.knock(too_large).status_code == 413
    assert [len(content) for _, content in stored()] == [LARGEST]


def test_the_handshake_gives_the_challenge_back_to_whoever_knows_the_token(shop_number: Number) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}

    answer = meta.ask(meta.PATH, **query, **{"hub.verify_token": "the shared app's verify token"})
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    own = meta.ask(own_path(shop_number), **query, **{"hub.verify_token": "the shop's verify token"})
    assert (own.status_code, own.text) == (200, "1158201444")

    wrong = meta.ask(meta.PATH, **query, **{"hub.verify_token": "the shop's verify token"})
    assert (wrong.status_code, wrong.text) == (403, "")
    unknown = meta.ask(f"{meta.PATH}{uuid.uuid4()}/", **query, **{"hub.verify_token": ""})
    assert (unknown.status_code, unknown.text) == (404, "")


def test_many_at_once_are_all_stored(number: Number) -> None:
    contents = [meta.body(number, statuses=[meta.status(f"wamid.{n}", "sent")]) for n in range(700)]

    assert set(meta.knock_all(contents)) == {200}

    assert sorted(content for _, content in stored()) == sorted(contents)


def test_other_methods_and_paths_are_refused() -> None:
    assert meta.ask("/").status_code == 404
    assert meta.ask("/healthz").status_code == 200


def test_peoples_messages_go_before_statuses(number: Number) -> None:
    statuses = [meta.status("wamid.1", "sent", biz_opaque_callback_data='"messages":[')]

    assert priority_of(meta.body(number, statuses=statuses)) == 1
    assert priority_of(meta.body(number, statuses=statuses, messages=[meta.text("Hallo")])) == 0
    assert priority_of(meta.body(number, messages=[meta.text('"statuses":[]')])) == 0
    assert priority_of(meta.body(number, user_preferences=[meta.preference("stop")])) == 0
    assert priority_of(meta.entry("waba", {"field": "account_update", "value": {"event": "X"}})) == 0
    assert priority_of(b"no JSON") == 0


def test_what_nobody_waits_for_any_more_is_not_kept_while_the_database_hangs() -> None:
    other = psycopg2.connect(**connection.get_connection_params())
    other.cursor().execute("LOCK TABLE inbox_webhookevent IN ACCESS EXCLUSIVE MODE")

    async def knock_while_it_hangs() -> None:
        committer = Committer(lambda: None)
        first = asyncio.create_task(committer.commit(Received(None, 1, b"in time")))
        await asyncio.sleep(0.1)
        late = asyncio.create_task(committer.commit(Received(None, 1, b"given up")))
        await asyncio.wait([late], timeout=0.1)
        late.cancel()
        await asyncio.wait([late])
        other.close()
        await first
        await committer.finish()

    asyncio.run(knock_while_it_hangs())

    assert [content for _, content in stored()] == [b"in time"]


def test_a_slow_one_is_sent_away_and_those_beside_it_are_served(number: Number) -> None:
    content = meta.body(number, statuses=[meta.status("wamid.1", "sent")])

    async def half() -> Message:
        if parts:
            return parts.pop()
        await asyncio.Event().wait()
        raise AssertionError("nothing more ever comes")

    async def whole() -> Message:
        return {"type": "http.request", "body": content}

    async def knock_beside_a_slow_one() -> list[int]:
        door = Door(slowest_seconds=2)
        slow = asyncio.create_task(_answer_of(door, content, half))
        found = [await _answer_of(door, content, whole), await slow, await _answer_of(door, content, whole)]
        await meta.shut_down(door)
        return found

    parts: list[Message] = [{"type": "http.request", "body": content[:9], "more_body": True}]

    assert asyncio.run(asyncio.wait_for(knock_beside_a_slow_one(), 30)) == [200, 503, 200]
    assert [body for _, body in stored()] == [content, content]


def test_one_that_takes_its_time_within_the_limit_is_waited_for(number: Number) -> None:
    content = meta.body(number, statuses=[meta.status("wamid.1", "sent")])

    async def after_a_while() -> Message:
        await asyncio.sleep(0.3)
        return {"type": "http.request", "body": content}

    async def knock_slowly() -> int:
        door = Door(slowest_seconds=2)
        status = await _answer_of(door, content, after_a_while)
        await meta.shut_down(door)
        return status

    assert asyncio.run(knock_slowly()) == 200


def test_while_the_database_hangs_meta_is_asked_to_come_again(number: Number) -> None:
    content = meta.body(number, statuses=[meta.status("wamid.1", "sent")])
    other = psycopg2.connect(**connection.get_connection_params())
    other.cursor().execute("LOCK TABLE inbox_webhookevent IN ACCESS EXCLUSIVE MODE")

    async def whole() -> Message:
        return {"type": "http.request", "body": content}

    async def knock_while_it_hangs() -> list[int]:
        door = Door(slowest_seconds=0.3)
        knocks = asyncio.gather(*(_answer_of(door, content, whole) for _ in range(3)))
        try:
            return await asyncio.wait_for(knocks, 30)
        finally:
            other.close()
            await meta.shut_down(door)

    assert asyncio.run(knock_while_it_hangs()) == [503, 503, 503]


def test_who_ends_a_request_from_outside_is_not_told_it_was_slow() -> None:
    async def end_one_from_outside() -> bool:
        door = Door(slowest_seconds=60)
        task = asyncio.create_task(_answer_of(door, b"", asyncio.Event().wait))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await meta.shut_down(door)
        return task.cancelled()

    assert asyncio.run(end_one_from_outside())


def test_who_is_ended_from_outside_just_when_they_are_given_up_is_ended() -> None:
    async def wait(patience: Patience) -> None:
        with patience:
            await asyncio.Event().wait()

    async def end_one_that_is_given_up() -> bool:
        task = asyncio.create_task(wait(Patience(0.05)))
        while not task.cancelling():
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(asyncio.wait_for(end_one_that_is_given_up(), 30))


async def _answer_of(door: Door, content: bytes, receive: Callable[[], Awaitable[Any]]) -> int:
    """The status that the door gives to a POST of which `receive` brings the parts."""
    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    headers = [(b"x-hub-signature-256", sign(meta.SECRET, content).encode())]
    await door({"type": "http", "method": "POST", "path": meta.PATH, "headers": headers}, receive, send)
    return int(said[0]["status"])
