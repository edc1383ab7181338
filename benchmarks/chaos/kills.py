"""Processes that die by SIGKILL while a campaign runs, at random degrees of progress."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.chaos import Counts, Fault, counting
from benchmarks.chaos.stage import DEADLINE_S, Stage, staged
from benchmarks.fleet import BROKER, TookTooLong, wait_until
from messaging.models import Message
from tenants.scope import tenant_scope

SENDERS = ("sending-1", "sending-2")
# Senders most often: they are the ones who could send twice.
VICTIMS = (*SENDERS, *SENDERS, "receiving", "door", "default", "beat")
# How long a killed Redis stays away.
AWAY_S = (1.0, 2.0)
FAILING = {
    "refused": {"130429": 0.004},
    "server_errors": 0.02,
    "hangs": 0.01,
    "hang_s": 5.0,
    "resets": 0.01,
    "slow": 0.02,
    "slow_s": 1.0,
    "duplicates": 0.05,
    "shuffled": True,
}
Deed = Callable[[], object]


def senders(folder: Path, people: int) -> Counts:
    """Both senders at the same moment, a hundred times over 50,000 people.

    One of them holds the number's lease and is in the middle of a batch, whichever it is; the other one waits for it.
    """
    moments = max(people // 500, 1)
    with staged(folder, people, 600) as stage:

        def kill_both() -> None:
            for name in SENDERS:
                stage.fleet.end(name)
            for name in SENDERS:
                stage.fleet.start(name)

        stage.launch()
        wreck(stage, [kill_both] * moments)
        settled_s = _settling(stage)
        told = f"{moments} times both senders killed; all that was claimed by then was settled {settled_s:.0f} s later"
        return stage.finish() + Counts(notes=(told,))


def everybody(folder: Path, people: int, *, kills: int = 24, restarts: int = 4, throughput: int = 400) -> Counts:
    """Every kind of process dies and Redis with its memory, while Meta fails too."""
    dice = random.Random(1)
    with staged(folder, people, throughput, **FAILING) as stage:
        stage.launch()
        deeds = [_killing(stage, VICTIMS[n % len(VICTIMS)]) for n in range(kills)]
        deeds += [_killing(stage, BROKER, away_s=dice.uniform(*AWAY_S)) for _ in range(restarts)]
        deeds += [
            lambda: stage.redis.flushdb(),
            lambda: stage.redis.client_kill_filter(_type="normal", skipme=True),
        ]
        dice.shuffle(deeds)
        wreck(stage, deeds)
        return stage.finish() + Counts(notes=(f"{kills} kills, {restarts} restarts of Redis",))


def wreck(stage: Stage, deeds: Sequence[Deed], seed: int = 1) -> None:
    """Do these things at random degrees of progress, which a faster or slower machine does not change."""
    dice = random.Random(seed)
    for moment, deed in zip(sorted(dice.uniform(0.02, 0.85) for _ in deeds), deeds, strict=True):
        stage.reach(moment)
        deed()


def _settling(stage: Stage) -> float:
    """Seconds until nothing that was claimed before now is unclear any more; infinite if that never comes."""
    began, before = time.monotonic(), datetime.now(UTC)

    def is_settled() -> bool:
        with tenant_scope(stage.campaign.tenant_id):
            claimed = Message.objects.filter(tenant=stage.campaign.tenant_id, claimed_at__lt=before)
            return not claimed.filter(state__in=counting.UNSETTLED).exists()

    try:
        wait_until(is_settled, "what was claimed", DEADLINE_S)
    except TookTooLong:
        return float("inf")
    return time.monotonic() - began


def _killing(stage: Stage, name: str, *, away_s: float = 0.0) -> Deed:
    return lambda: stage.fleet.kill(name, away_s=away_s)


FAULTS = (
    Fault(
        "kills",
        "the sender killed in the middle of a batch, a hundred times, sends nobody anything twice and forgets nobody.",
        50_000,
        senders,
    ),
    Fault(
        "exactly_once",
        "whatever dies, Redis included, while Meta refuses, hangs and resets: nobody twice, nobody forgotten.",
        4_000,
        everybody,
    ),
)
