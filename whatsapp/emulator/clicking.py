"""Follows links as a phone would: a preview fetch that must not count, then the person's own visit."""

import asyncio
import time
from urllib.parse import urlsplit, urlunsplit

import httpx

from whatsapp.bulk import open_client
from whatsapp.emulator.fate import Fate
from whatsapp.emulator.ledger import Acceptance
from whatsapp.emulator.state import Click, World

PREVIEW_AGENT = "WhatsApp/2.24.17.78 A"
PHONE_AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1"
)
VISITS_AT_ONCE = 8
_OURSELVES = ("localhost", "127.0.0.1", "::1")


class Clicker:
    """Visits links in the background and notes what the first redirect said; follows no redirect."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._slots = asyncio.Semaphore(VISITS_AT_ONCE)
        self._visits: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether no visit is under way."""
        return not self._visits

    def follow(self, message: Acceptance, link: str, fate: Fate) -> None:
        """Visit a link; only addresses of this machine or of `Profile.link_origin` are really fetched."""
        task = asyncio.create_task(self._visit(message, link, fate))
        self._visits.add(task)
        task.add_done_callback(self._visits.discard)

    async def _visit(self, message: Acceptance, link: str, fate: Fate) -> None:
        async with self._slots:
            target = self._target(link)
            status, location = 0, ""
            if target:
                await self._fetch(target, PREVIEW_AGENT)
                status, location = await self._fetch(target, PHONE_AGENT)
        value = round(15 + fate.chance * 165, 2)
        self.world.clicks.append(
            Click(
                message.row,
                message.recipient,
                message.callback,
                link,
                status,
                location,
                time.time(),
                fate.orders,
                value,
            )
        )

    def _target(self, link: str) -> str:
        parts = urlsplit(link)
        if self.world.profile.link_origin:
            origin = urlsplit(self.world.profile.link_origin)
            return urlunsplit((origin.scheme, origin.netloc, parts.path, parts.query, ""))
        return link if parts.hostname in _OURSELVES else ""

    async def _fetch(self, url: str, agent: str) -> tuple[int, str]:
        if self._client is None:
            self._client = open_client(connections=VISITS_AT_ONCE)
        headers = {"User-Agent": agent, "Accept": "text/html,*/*;q=0.8", "Accept-Language": "de-DE,de;q=0.9"}
        try:
            response = await self._client.get(url, headers=headers, timeout=10.0)
        except (httpx.HTTPError, httpx.InvalidURL):
            return 0, ""
        return response.status_code, response.headers.get("location", "")

    async def close(self) -> None:
        """Stop all visits."""
        for task in list(self._visits):
            task.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
