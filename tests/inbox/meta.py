"""Plays Meta: builds webhook bodies, signs them, and posts them to the doors."""

import asyncio
import itertools
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from inbox.door.answering import Door
from whatsapp.models import Number
from whatsapp.signature import sign

SECRET = "the shared app's secret"
PATH = "/webhooks/whatsapp/"
NOON = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)

Json = dict[str, Any]
_ids = itertools.count(1)


def body(number: Number, *, waba_id: str = "", **value: Any) -> bytes:
    """A body about one number: `statuses=[…]`, `messages=[…]`, `contacts=[…]`, `user_preferences=[…]`."""
    field = "user_preferences" if "user_preferences" in value else "messages"
    metadata = {"display_phone_number": "4915112345678", "phone_number_id": number.phone_number_id}
    change = {"field": field, "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
    return entry(waba_id or number.account.waba_id, change)


def entry(waba_id: str, *changes: Json) -> bytes:
    """A body with these changes of one account."""
    document = {"object": "whatsapp_business_account", "entry": [{"id": waba_id, "changes": list(changes)}]}
    # Meta escapes what is not ASCII.
    return json.dumps(document, ensure_ascii=True).encode()


def status(wamid: str, name: str, at: datetime = NOON, **more: Any) -> Json:
    return {"id": wamid, "status": name, "timestamp": str(int(at.timestamp())), "recipient_id": "493023125001", **more}


def failure(wamid: str, code: int, at: datetime = NOON, **more: Any) -> Json:
    return status(wamid, "failed", at, errors=[{"code": code, "title": "failed"}], **more)


def text(words: str, *, sender: str = "493023125001", at: datetime = NOON, wamid: str = "", **more: Any) -> Json:
    return {
        "from": sender,
        "id": wamid or f"wamid.in{next(_ids)}",
        "timestamp": str(int(at.timestamp())),
        "type": "text",
        "text": {"body": words},
        **more,
    }


def tap(title: str, payload: str, **more: Any) -> Json:
    return text("", **more) | {"type": "button", "button": {"text": title, "payload": payload}}


def preference(value: str, *, sender: str = "493023125001", at: datetime = NOON, **more: Any) -> Json:
    told = {"wa_id": sender, "category": "marketing_messages", "value": value, "timestamp": int(at.timestamp())}
    return told | more


def renewed(number: Number, previous: str, current: str, *, sender: str = "493023125001", at: datetime = NOON) -> bytes:
    """A body by which WhatsApp says that a person has another user id."""
    change = {"detail": "changed", "user_id": {"previous": previous, "current": current}, "wa_id": sender}
    value = {
        "metadata": {"phone_number_id": number.phone_number_id},
        "user_id_update": [change | {"timestamp": int(at.timestamp())}],
    }
    return entry(number.account.waba_id, {"field": "user_id_update", "value": value})


def knock(content: bytes, *, path: str = PATH, secret: str = SECRET, signature: str | None = None) -> httpx.Response:
    """One POST to the fast door."""
    return asyncio.run(_post_all([content], path, secret, signature))[0]


def knock_all(contents: Sequence[bytes], *, path: str = PATH, secret: str = SECRET) -> list[int]:
    """Many POSTs at once to the fast door; their statuses."""
    return [answer.status_code for answer in asyncio.run(_post_all(contents, path, secret, None))]


def ask(path: str, **query: str) -> httpx.Response:
    """One GET to the fast door."""
    return asyncio.run(_with_client(lambda client: client.get(path, params=query)))


async def _post_all(contents: Sequence[bytes], path: str, secret: str, signature: str | None) -> list[httpx.Response]:
    async def post(client: httpx.AsyncClient, content: bytes) -> httpx.Response:
        header = sign(secret, content) if signature is None else signature
        headers = {"X-Hub-Signature-256": header} if header else {}
        return await client.post(path, content=content, headers=headers)

    async def post_all(client: httpx.AsyncClient) -> list[httpx.Response]:
        return list(await asyncio.gather(*(post(client, content) for content in contents)))

    return await _with_client(post_all)


async def _with_client(use: Callable[[httpx.AsyncClient], Any]) -> Any:
    door = Door()
    transport = httpx.ASGITransport(app=door)
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        try:
            return await use(client)
        finally:
            await shut_down(door)


async def shut_down(door: Door) -> None:
    """What a server does at its end: the door lets go of its database connection."""
    lifespan = iter(["lifespan.startup", "lifespan.shutdown"])
    answers: list[str] = []

    async def receive() -> Json:
        return {"type": next(lifespan)}

    async def send(message: Json) -> None:
        answers.append(message["type"])

    await door({"type": "lifespan"}, receive, send)
    assert answers == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
