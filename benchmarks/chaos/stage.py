"""Where faults happen: a campaign, the processes that send it, Meta behind them, and a postman at the door."""

import secrets
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from benchmarks.chaos import Counts, campaign, counting
from benchmarks.chaos.postman import Postman
from benchmarks.fleet import BROKER, Fleet, TookTooLong, wait_until
from campaigns.models import Campaign
from config.localservices.processes import Process
from tenants.actions import NewTenant
from whatsapp.emulator.profile import Profile
from whatsapp.emulator.remote import Remote

PROCESSES = (BROKER, "emulator", "door", "sending-1", "sending-2", "receiving", "default", "beat")
# Short enough for a test: an attempt without answer is given up after 2 s, and settled 12 s later.
PATIENCE = {"WHATSAPP_TIMEOUT_S": "2", "MESSAGING_CLAIM_GRACE_S": "8", "MESSAGING_SETTLE_S": "12"}
# Something is wrong and not slow when a message needs so much longer than the number's rate says.
DEADLINE_S = 240.0


@dataclass
class Stage:
    """A campaign to `people` that is not launched yet, and everything that runs.

    Of the people only so many may stay without their message as are `excused`; the others' rows must be in one of the
    states `ends` when all is over. `behaviour` is what the emulator does otherwise than `Profile.perfect`.
    """

    campaign: Campaign
    people: int
    fleet: Fleet
    meta: Remote
    postman: Postman
    secret: str
    poisons: set[bytes] = field(default_factory=set)
    excused: int = 0
    ends: Collection[int] = counting.ALL_READ
    behaviour: Mapping[str, Any] = field(default_factory=dict)

    @property
    def redis(self) -> "redis.Redis":
        """The fleet's Redis; a new client each time, for the last one's connection may belong to a killed server."""
        return redis.Redis.from_url(self.fleet.redis_url)

    def launch(self) -> None:
        """Press the button."""
        campaign.launch(self.campaign)

    def reach(self, share: float, seconds: float = DEADLINE_S) -> None:
        """Wait until Meta has accepted this share of the campaign."""
        self.reach_count(int(share * self.people), seconds)

    def reach_count(self, count: int, seconds: float = DEADLINE_S) -> None:
        """Wait until Meta has accepted so many messages."""
        wait_until(lambda: self.accepted >= count, f"message {count} of {self.people}", seconds)

    def resumed(self, limit_s: float = DEADLINE_S) -> float:
        """Wait for ten messages more; returns how many seconds that took."""
        began, so_far = time.monotonic(), self.accepted
        self.reach_count(min(so_far + 10, self.people), limit_s)
        return time.monotonic() - began

    @property
    def accepted(self) -> int:
        """How many messages Meta has accepted."""
        return int(self.meta.stats()["accepted"])

    def finish(self, seconds: float = DEADLINE_S) -> Counts:
        """Wait until nothing is left to happen, and count; if that never comes it is wrong, counted as it is."""
        wrong: tuple[str, ...] = ()
        try:
            wait_until(lambda: campaign.is_finished(self.campaign), "the campaign", seconds)
            is_answered = self.postman.finish()
            wait_until(lambda: campaign.is_over(self.campaign, self.meta), "the last webhooks", seconds)
        except TookTooLong as error:
            wrong = (str(error),)
            is_answered = self.postman.finish(5)
        wrong += () if is_answered else ("some webhooks never got a 200",)
        return self.counted() + Counts(wrong=wrong)

    def ledger(self, of: Campaign | None = None) -> list[dict[str, Any]]:
        """What Meta has accepted of a campaign's number; of this stage's campaign unless another is named."""
        number_id = campaign.number_of(of or self.campaign).phone_number_id
        return [row for row in campaign.acceptances(self.meta) if row["phone_number_id"] == number_id]

    def counted(self) -> Counts:
        """What has happened so far."""
        ledger = self.ledger()
        webhooks = counting.of_webhooks(self.campaign, self.postman.answered, self.postman.forged, self.poisons)
        told = [f"{len(self.postman.answered)} webhooks answered with 200, {len(self.postman.forged)} forged"]
        if self.fleet.revived:
            told.append(f"ended by themselves and were started again: {', '.join(self.fleet.revived)}")
        people = counting.of_campaign(self.campaign, self.people, ledger, excused=self.excused, ends=self.ends)
        return people + webhooks + self._of_meta() + Counts(notes=tuple(told))

    def _of_meta(self) -> Counts:
        """Whether Meta gave up no webhook, and did all that it was to do wrong."""
        stats = self.meta.stats()
        did = counting.misdeeds(self.behaviour, stats)
        return Counts(
            lost=stats.get("webhooks_lost", 0),
            wrong=tuple(f"Meta never did this: {what}" for what, count in did.items() if not count),
            notes=(f"Meta misbehaved: {did}",) if did else (),
        )


@contextmanager
def staged(
    folder: Path,
    people: int,
    throughput: int,
    *,
    processes: Sequence[str] = PROCESSES,
    more: Mapping[str, Process] | None = None,
    environment: Mapping[str, str] | None = None,
    made: NewTenant | None = None,
    **behaviour: Any,
) -> Iterator[Stage]:
    """Everything ready for the button; of a new tenant unless one was `made`.

    `behaviour` is the emulator's: `Profile.perfect` with these changes.
    """
    prepared = campaign.prepared(people, throughput, made)
    secret = secrets.token_hex(16)
    # Where gunicorn's workers say that they live.
    (folder / "tmp").mkdir()
    values = {"WHATSAPP_APP_SECRET": secret, **PATIENCE, **(environment or {})}
    with (
        Fleet(folder, processes, more, **values) as fleet,
        Remote(fleet.url("emulator")) as meta,
    ):
        campaign.connect(prepared, meta)
        meta.configure(Profile.perfect(**{"retry_base_s": 0.2, **behaviour}))
        postman = Postman(fleet.url("door"), secret, campaign.number_of(prepared))
        postman.start()
        try:
            yield Stage(prepared, people, fleet, meta, postman, secret, behaviour=behaviour)
        finally:
            postman.finish(1)


def without(names: Collection[str], *left_out: str) -> tuple[str, ...]:
    """These processes but some."""
    return tuple(name for name in names if name not in left_out)
