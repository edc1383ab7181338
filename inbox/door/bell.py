"""Wakes the receivers after a commit, at most twenty times a second and never at the cost of an answer."""

import asyncio

from inbox import tasks

SECONDS_BETWEEN = 0.05


class Bell:
    """Rings soon after `ring()`; rings that come close together become one, and none is forgotten."""

    def __init__(self) -> None:
        self._is_wanted = False
        self._ringer: asyncio.Task[None] | None = None

    def ring(self) -> None:
        """Ask for a ring; returns at once."""
        self._is_wanted = True
        if self._ringer is None or self._ringer.done():
            self._ringer = asyncio.create_task(self._keep_ringing())

    async def _keep_ringing(self) -> None:
        while self._is_wanted:
            self._is_wanted = False
            await asyncio.to_thread(tasks.ring)
            await asyncio.sleep(SECONDS_BETWEEN)
