"""Posts signed webhooks: gathers items, batches them as Meta does, repeats until someone answers 200."""

import asyncio
import json
import random
import time
from collections import deque
from typing import Any, NamedTuple

import httpx
import orjson

from whatsapp.bulk import open_client
from whatsapp.emulator.state import Account, Number, World
from whatsapp.signature import sign

KEPT = 100_000
POST_TIMEOUT_S = 10.0


class Posted(NamedTuple):
    """One webhook body with its headers, kept where no address is known."""

    body: bytes
    headers: dict[str, str]


class _Item(NamedTuple):
    url: str
    account_id: str
    field: str
    number: Number | None
    key: str
    item: Any
    contact: Any


class Webhooks:
    """The queue between what happens and who is told; accounts that no app has subscribed to are passed over."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.kept: deque[Posted] = deque(maxlen=KEPT)
        self._items: deque[_Item] = deque()
        self._bell = asyncio.Event()
        self._slots = asyncio.Semaphore(max(1, world.profile.posts_in_flight))
        self._posting: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None
        self._dice = random.Random(world.profile.seed)  # noqa: S311 – shuffles, hides nothing

    def add(self, number: Number, key: str, item: Any, contact: Any = None) -> None:
        """Queue one item of the field `messages`: key is statuses, messages or errors."""
        account = self.world.account(number.account_id)
        url = number.webhook_url or account.webhook_url or account.app_url or self.world.webhook_url
        self._add(account, _Item(url, account.id, "messages", number, key, item, contact))

    def add_change(self, account_id: str, field: str, value: Any) -> None:
        """Queue the value of another field; it goes to the app's address, never to an override."""
        account = self.world.account(account_id)
        url = account.app_url or self.world.webhook_url
        self._add(account, _Item(url, account_id, field, None, "", value, None))

    def _add(self, account: Account, item: _Item) -> None:
        if not account.is_subscribed:
            self.world.tally("webhooks_without_subscription")
            return
        self._items.append(item)
        self._bell.set()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is queued, on its way or waiting for a repeat."""
        return not self._items and not self._posting

    def forget(self) -> None:
        """Drop what is queued, kept, or waiting for a repeat."""
        self._items.clear()
        self.kept.clear()
        for task in self._posting:
            task.cancel()

    async def run(self) -> None:
        """Gather and post for ever; one batch per address every `batch_wait_s`."""
        while True:
            await self._bell.wait()
            await asyncio.sleep(self.world.profile.batch_wait_s)
            self._bell.clear()
            while self._items:
                for url, secret, batch in self._next_batches():
                    await self._slots.acquire()
                    task = asyncio.create_task(self._deliver(url, secret, body_of(batch)))
                    self._posting.add(task)
                    task.add_done_callback(self._posting.discard)
                    task.add_done_callback(lambda _: self._slots.release())

    def _next_batches(self) -> list[tuple[str, str, list[_Item]]]:
        taken = [self._items.popleft() for _ in range(min(len(self._items), 4000))]
        profile = self.world.profile
        if profile.shuffled:
            self._dice.shuffle(taken)
        secrets = {account_id: self.world.app_of(account_id)[1] for account_id in {item.account_id for item in taken}}
        by_app: dict[tuple[str, str], list[_Item]] = {}
        for item in taken:
            by_app.setdefault((item.url, secrets[item.account_id]), []).append(item)
        size = max(1, profile.batch_size)
        return [(*app, items[at : at + size]) for app, items in by_app.items() for at in range(0, len(items), size)]

    async def _deliver(self, url: str, secret: str, body: bytes) -> None:
        headers = _headers(secret, body)
        if not url:
            self.kept.append(Posted(body, headers))
            return
        for attempt in range(self.world.profile.retry_limit + 1):
            if await self._post(url, body, headers):
                self.world.tally("webhooks_posted")
                return
            self.world.tally("webhooks_repeated")
            await asyncio.sleep(self.world.profile.retry_base_s * 2**attempt)
        self.world.tally("webhooks_lost")

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> bool:
        if self._client is None:
            self._client = open_client(connections=64)
        try:
            response = await self._client.post(url, content=body, headers=headers, timeout=POST_TIMEOUT_S)
        except httpx.HTTPError:
            return False
        return response.status_code == 200

    async def post_raw(self, url: str, body: bytes) -> None:
        """Sign and post any body, for injected payloads; the app is that of the first account it names."""
        app_url, secret = self.world.app_of(_account_in(body))
        await self._deliver(url or app_url, secret, body)

    async def close(self) -> None:
        """Stop what is on its way."""
        for task in list(self._posting):
            task.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()


def _headers(secret: str, body: bytes) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
    if secret:
        headers["X-Hub-Signature-256"] = sign(secret, body)
    return headers


def _account_in(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["entry"][0]["id"])
    except (orjson.JSONDecodeError, TypeError, KeyError, IndexError):
        return ""


def body_of(batch: list[_Item]) -> bytes:
    """One webhook body for a batch; items of one number and kind share a change, as with Meta."""
    changes: dict[tuple[str, str, str], dict[str, Any]] = {}
    entries: dict[str, list[dict[str, Any]]] = {}
    introduced: set[tuple[Any, ...]] = set()
    for item in batch:
        if item.number is None:
            entries.setdefault(item.account_id, []).append({"field": item.field, "value": item.item})
            continue
        key = (item.account_id, item.number.id, item.key)
        if key not in changes:
            changes[key] = _value(item.number)
            entries.setdefault(item.account_id, []).append({"field": "messages", "value": changes[key]})
        changes[key].setdefault(item.key, []).append(item.item)
        who = (*key, item.contact["user_id"], str(item.contact.get("profile"))) if item.contact else ()
        if who and who not in introduced:
            introduced.add(who)
            changes[key].setdefault("contacts", []).append(item.contact)
    return encode(
        {
            "object": "whatsapp_business_account",
            "entry": [_entry(account_id, found) for account_id, found in entries.items()],
        }
    )


def _value(number: Number) -> dict[str, Any]:
    metadata = {"display_phone_number": number.digits, "phone_number_id": number.id}
    return {"messaging_product": "whatsapp", "metadata": metadata}


def _entry(account_id: str, changes: list[dict[str, Any]]) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": account_id, "changes": changes}
    if any(change["field"] != "messages" for change in changes):
        entry["time"] = int(time.time())
    return entry


def encode(document: Any) -> bytes:
    """JSON as Meta writes it: everything beyond ASCII escaped, which is why the raw bytes must be hashed."""
    body = orjson.dumps(document)
    return body if body.isascii() else json.dumps(document, separators=(",", ":")).encode()
