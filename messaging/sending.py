"""The sender: one lane per business number, all lanes of a process in one asyncio loop.

A lane claims at most a second's worth of messages, sends each when the bucket grants a token, and records answers
in bulk. Database work runs in threads, so no connection is held while Meta thinks.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
import redis
import redis.asyncio
from django.conf import settings
from django.db import close_old_connections

from messaging import bucket, claiming, queries, recording
from messaging.bucket import Bucket
from messaging.budget import Budget
from messaging.claiming import Outgoing
from messaging.leases import Lease, Others
from messaging.recording import Answer, Outcome
from messaging.tallying import Tally
from whatsapp import bulk
from whatsapp.errors import NotSent, Refused, UnknownOutcome
from whatsapp.models import Number

log = logging.getLogger(__name__)
T = TypeVar("T")

CLAIM_MOST = 500
# A claim is meant to last a second; what is still unsent then goes back, so that consent is asked again.
CLAIM_LASTS_S = 1.5
RECORD_EVERY_S = 0.08
# A database that is away for a minute must not cost the answers that are known.
RECORD_FOR_S = 180
# Messages get their tokens in portions, one question of Redis for each, and a few before a connection is free: so the
# next leaves as soon as an answer comes.
PORTION = 16
AHEAD = 48
# Connections beside those that one lane may have: with these another number begins while one of which Meta hangs has
# taken all of its own.
SPARE = 32
# So long a lane without a token waits at most before it asks again; a number that rests for longer gets none.
PAUSE_S = 0.05
# How long a list of due sources may be used; what is more urgent waits so long at most.
DUE_LASTS_S = 0.25
# What one process sends with ease, messages a second; numbers beyond that are for other processes, if there are any.
EASE = 2000
# For so many seconds nothing leaves on a number of which Meta says that it sends too fast or is in maintenance, or that
# the app's quota is used up; then a portion asks again.
BRAKES_S = {4: 20, 130429: 1, 131057: 1, 2494100: 1}


class Sender:
    """The lanes of one worker process for some seconds."""

    def __init__(
        self,
        http: httpx.AsyncBaseTransport,
        cache: "redis.asyncio.Redis",
        threads: ThreadPoolExecutor,
        others: Others,
        seconds: float,
        call_next: Callable[[], Any],
    ) -> None:
        self.http, self.cache, self.threads, self.others = http, cache, threads, others
        self.call_next = call_next
        self.redis_run = ""
        self.ends_at = time.monotonic() + seconds
        self.lanes: dict[int, asyncio.Task[None]] = {}
        self.rates: dict[int, int] = {}
        # Lanes that do not only wait for their last answers.
        self.wanting: set[Lane] = set()
        self.flying = 0
        # By lane, what is granted and waits for a connection, and when it was claimed.
        self.ready: dict[Lane, deque[tuple[Outgoing, float]]] = {}
        self._landed = asyncio.Event()

    async def run(self) -> None:
        """Send until nothing is due, or the time is over and the next sender is called."""
        self.redis_run = await bucket.run_of(self.cache)
        self.others.begin()
        try:
            while time.monotonic() < self.ends_at:
                await self._open_lanes()
                if not self.lanes:
                    return
                await asyncio.wait(self.lanes.values(), timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
                self._close_lanes()
        finally:
            await asyncio.gather(*self.lanes.values(), return_exceptions=True)
            self._close_lanes()

    async def _open_lanes(self) -> None:
        for number in await self.in_thread(queries.numbers_with_due_messages):
            if number.pk in self.lanes or await bucket.rests(self.cache, number.pk, PAUSE_S):
                continue
            is_much = self.lanes and sum(self.rates.values()) + number.throughput > EASE
            if is_much and await self.others.may_have(number.pk):
                continue
            is_mine = await Lease(self.cache, number.pk).take()
            self.others.saw(number.pk, is_mine=is_mine)
            if is_mine:
                self.lanes[number.pk] = asyncio.create_task(self._serve(number))
                self.rates[number.pk] = number.throughput

    async def _serve(self, number: Number) -> None:
        # Made inside the task: a token that cannot be decrypted ends its own lane only.
        await Lane(self, number).run()

    def _close_lanes(self) -> None:
        for number_id, lane in list(self.lanes.items()):
            if lane.done():
                del self.lanes[number_id], self.rates[number_id]
                if lane.exception():
                    log.error("lane of number %s ended", number_id, exc_info=lane.exception())

    async def room(self, lane: "Lane") -> int:
        """How many more messages of a lane may get tokens; waits for a portion."""
        while (room := AHEAD + self._room(lane)) < PORTION:
            self._landed.clear()
            await self._landed.wait()
        return room

    def _room(self, lane: "Lane") -> int:
        # What other lanes have ready is not in its way: those may be at their share, and hang.
        ready = len(self.ready.get(lane, ()))
        return min(self._share(lane) - len(lane.flying), bulk.CONNECTIONS + SPARE - self.flying) - ready

    def _share(self, lane: "Lane") -> int:
        """How many connections a lane may have: half while others want any, who may not wait for a Meta that hangs."""
        return bulk.CONNECTIONS // (2 if self.wanting - {lane} else 1)

    def launch(self, lane: "Lane", message: Outgoing, claimed_at: float) -> None:
        """Send a granted message as soon as it has a connection of its own."""
        self.ready.setdefault(lane, deque()).append((message, claimed_at))
        self._launch_ready()

    def landed(self) -> None:
        """One request has its answer."""
        self.flying -= 1
        self._launch_ready()
        self._landed.set()

    def _launch_ready(self) -> None:
        while self.flying < bulk.CONNECTIONS + SPARE and (lane := self._next()):
            message, claimed_at = self.ready[lane].popleft()
            # Asked after every wait: for Redis, for the bucket, for a free connection.
            if time.monotonic() - claimed_at > CLAIM_LASTS_S:
                lane.late.append(message)
            else:
                self.flying += 1
                lane.launch(message)

    def _next(self) -> "Lane | None":
        """Of the lanes that have less than their share the one whose message waits longest."""
        able = [lane for lane, waiting in self.ready.items() if waiting and len(lane.flying) < self._share(lane)]
        return min(able, key=lambda lane: self.ready[lane][0][1], default=None)

    async def in_thread(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run database work in a thread with a connection of its own."""

        def job() -> T:
            close_old_connections()
            return work(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self.threads, job)


class Lane:
    """Sends what is due on one number, at the rate its bucket allows."""

    def __init__(self, sender: Sender, number: Number) -> None:
        self.sender, self.number = sender, number
        self.bucket = Bucket(sender.cache, number_id=number.pk, rate=number.throughput, run=sender.redis_run)
        self.budget, self.lease = Budget(number), Lease(sender.cache, number.pk)
        token = number.account.token
        self.url = bulk.url_for(
            settings.WHATSAPP_API_URL,
            settings.WHATSAPP_API_VERSION,
            number.phone_number_id,
            token,
            number.account.proof_secret,
        )
        self.headers = bulk.headers_for(token)
        # A quarter of a second's worth: with two batches claimed ahead, less than one second is claimed and unsent.
        self.batch = max(1, min(CLAIM_MOST, number.throughput // 4))
        self.batches_ahead = 2 if number.throughput >= 4 else 1
        self.outcomes: list[Outcome] = []
        self.flying: set[asyncio.Task[None]] = set()
        # Granted, but too long after consent was asked.
        self.late: list[Outgoing] = []
        # One claim after the other: they share the turn, the budget and the list of due sources.
        self.claiming = asyncio.Lock()
        self.turn = 0
        self.due: list[int] = []
        self.due_until = 0.0
        # Meta wants nothing from this number for longer than a claim lasts: nobody waits for that with a lane.
        self.rests = False
        self.is_done = False
        self.tally, self.opened_at = Tally(), time.monotonic()

    async def run(self) -> None:
        """Claim, send and record until nothing is due or the process' time is over."""
        self.sender.wanting.add(self)
        recorder = asyncio.create_task(self._record_until_done())
        # Two, so that a claim that takes longer than the batch before it does not empty the connections.
        ahead = deque(asyncio.create_task(self._claim()) for _ in range(self.batches_ahead))
        try:
            claimed_at, batch = await ahead.popleft()
            # Without a recorder nothing more is sent.
            while batch and not self.rests and not recorder.done():
                ahead.append(asyncio.create_task(self._claim()))
                await self._send(batch, claimed_at)
                claimed_at, batch = await ahead.popleft()
            await self._release(batch)
        finally:
            try:
                # Whatever becomes of one, the other goes back, and the number is free.
                for fault in await asyncio.gather(*map(self._put_back, ahead), return_exceptions=True):
                    if fault:
                        log.error("what number %s had claimed waits for the sweeper", self.number.pk, exc_info=fault)
                await self._hand_over()
            finally:
                try:
                    await self._land()
                finally:
                    # Even if what is late could not be given back: no answer is left behind.
                    self.is_done = True
                    await recorder
                await self.sender.in_thread(self._publish)

    async def _hand_over(self) -> None:
        """Free the number before the last answers are there: another process goes on without a gap."""
        await self.lease.free()
        if time.monotonic() >= self.sender.ends_at:
            await self.sender.in_thread(self.sender.call_next)

    async def _land(self) -> None:
        """Wait for every answer; what is still ready leaves meanwhile or becomes late."""
        self.sender.wanting.discard(self)
        while self.flying or self.sender.ready.get(self):
            await asyncio.wait(self.flying or [asyncio.create_task(asyncio.sleep(0.05))])
        self.sender.ready.pop(self, None)
        await self._give_back_late()

    async def _claim(self) -> tuple[float, list[Outgoing]]:
        """The next batch, from the most urgent source, and when it was claimed; equals take turns."""
        async with self.claiming:
            if time.monotonic() >= self.sender.ends_at:
                return 0, []
            await self.lease.prolong()
            return await self.sender.in_thread(self._claim_now)

    def _claim_now(self) -> tuple[float, list[Outgoing]]:
        # A batch whose recipients were all skipped is empty though more is waiting, so ask until nothing is due.
        while due := self._most_urgent():
            self.turn += 1
            source_id = due[self.turn % len(due)]
            batch = claiming.claim(number=self.number, source_id=source_id, most=self.batch, budget=self.budget)
            if batch or time.monotonic() >= self.sender.ends_at:
                # From its commit on, for which opt-outs have waited: a database that needs longer than a claim lasts
                # must not keep everybody from ever getting their message.
                return time.monotonic(), batch
            self.due_until = 0.0
        return 0, []

    def _most_urgent(self) -> list[int]:
        """The due sources that no other goes before; each claim looks again whether its own is still open."""
        if time.monotonic() >= self.due_until:
            sources = claiming.due_sources(self.number)
            self.due = [source_id for source_id, priority in sources if priority == sources[0][1]]
            self.due_until = time.monotonic() + DUE_LASTS_S
        return self.due

    async def _put_back(self, ahead: "asyncio.Task[tuple[float, list[Outgoing]]]") -> None:
        """Release what was claimed ahead when sending broke off, for example because Redis is away."""
        await asyncio.wait([ahead])
        if not ahead.exception():
            _, batch = ahead.result()
            await self._release(batch)

    async def _release(self, batch: list[Outgoing], *, is_unspent: bool = True) -> None:
        if batch:
            await self.sender.in_thread(claiming.release, self.number.tenant_id, batch, is_unspent=is_unspent)

    async def _send(self, batch: list[Outgoing], claimed_at: float) -> None:
        position = 0
        try:
            while position < len(batch):
                asked = batch[position : position + await self.sender.room(self)]
                grant = await self.bucket.take([_name(message) for message in asked])
                granted = asked[: grant.count]
                own = [message for message in granted if _name(message) not in grant.lost]
                for message in own:
                    self.sender.launch(self, message, claimed_at)
                position += grant.count
                # Named by the sweeper, or by a lane that gave it back when Redis' answer got lost: the next claim
                # gives it a new name.
                await self._release([m for m in granted if _name(m) in grant.lost], is_unspent=False)
                if self.late:
                    # The others of this batch are as old.
                    await self._give_back_late()
                    return
                self.rests = grant.wait_s > CLAIM_LASTS_S
                if self.rests:
                    return
                # Yields to the answers; at full speed the bucket grants in small portions.
                pause = 0 if grant.count else min(grant.wait_s, PAUSE_S)
                self.tally.waited(pause)
                await asyncio.sleep(pause)
        finally:
            await self._release(batch[position:])

    async def _give_back_late(self) -> None:
        late, self.late = self.late, []
        # A name that stays in Redis costs the next attempt its token, and it gets another: nothing more.
        with contextlib.suppress(redis.RedisError):
            await self.bucket.forget([_name(message) for message in late])
        await self._release(late)

    def launch(self, message: Outgoing) -> None:
        """Post one message; its connection is counted by the caller."""
        task = asyncio.create_task(self._post(message))
        self.flying.add(task)
        task.add_done_callback(self._landed)

    def _landed(self, task: "asyncio.Task[None]") -> None:
        self.flying.discard(task)
        self.sender.landed()

    async def _post(self, message: Outgoing) -> None:
        answer: Answer
        try:
            answer = await bulk.send(
                self.sender.http, self.url, self.headers, message.content, settings.WHATSAPP_TIMEOUT_S
            )
        except (Refused, NotSent, UnknownOutcome) as error:
            answer = error
        except Exception as error:
            log.exception("an attempt of source %s ended unexpectedly", message.source_id)
            answer = UnknownOutcome(type(error).__name__)
        # Before anything else is asked of Redis: what Meta said must not get lost with it.
        ids = message.message_id, message.attempt, message.source_id
        self.outcomes.append(Outcome(*ids, answer, datetime.now(UTC), message.tries))
        if seconds := _brake_s(answer):
            # Without Redis no token is granted either.
            with contextlib.suppress(redis.RedisError):
                await self.bucket.brake(seconds)

    async def _record_until_done(self) -> None:
        gives_up_at = float("inf")
        while self.outcomes or not self.is_done:
            await asyncio.sleep(RECORD_EVERY_S)
            outcomes, self.outcomes = self.outcomes, []
            try:
                stored = await self.sender.in_thread(recording.record, self.number, outcomes)
                gives_up_at = float("inf")
                self.tally.answered(stored)
                await self._forget(stored)
            except recording.Away:
                # The database is away for a moment: keep the answers. What is lost all the same was claimed, so the
                # sweeper calls it uncertain and the status webhooks settle it.
                log.warning("answers of number %s wait for the database", self.number.pk)
                self.outcomes = outcomes + self.outcomes
                gives_up_at = min(gives_up_at, time.monotonic() + RECORD_FOR_S)
                if time.monotonic() > gives_up_at:
                    raise

    def _publish(self) -> None:
        self.tally.publish(open_s=time.monotonic() - self.opened_at, rate=self.bucket.rate)

    async def _forget(self, outcomes: list[Outcome]) -> None:
        # Not what may have arrived: a sweeper that has just read it as claimed would find that nobody had named it, and
        # send it again. What stays in Redis does no harm: it is settled in the database.
        known = [outcome for outcome in outcomes if not isinstance(outcome.answer, UnknownOutcome)]
        with contextlib.suppress(redis.RedisError):
            await self.bucket.forget([_name(outcome) for outcome in known])


def _brake_s(answer: Answer) -> float:
    match answer:
        case NotSent():
            return 1
        case Refused(code=code, http_status=status):
            return BRAKES_S.get(code, 1 if status == HTTPStatus.TOO_MANY_REQUESTS else 0)
    return 0


def _name(message: Outgoing | Outcome) -> str:
    return bucket.name(message.message_id, message.attempt)
