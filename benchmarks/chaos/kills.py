"""Processes that die by SIGKILL while a campaign runs, at random degrees of progress."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.chaos import Counts, Fault, counting
from benchmarks.chaos.stage import DEADLINE_S, PATIENCE, Stage, staged
from benchmarks.fleet import BROKER, TookTooLong, wait_until
from inbox.queries import longest_waiting
from messaging.models import Message
from tenants.scope import tenant_scope

SENDERS = ("sending-1", "sending-2")
# Senders most often: they are the ones who could send twice.
VICTIMS = (*SENDERS, *SENDERS, "receiving", "door", "default", "beat")
# How long a killed Redis stays away.
AWAY_S = (1.0, 2.0)
FAILING = {
    "refused": {"130429": 0.006},
    "server_errors": 0.02,
    "hangs": 0.01,
    "hang_s": 5.0,
    "resets": 0.01,
    "slow": 0.02,
    "slow_s": 1.0,
    "duplicates": 0.05,
    "shuffled": True,
}
# Of the kills so many must hit a sender that holds claimed messages.
HIT = 0.9
# The grace and the wait for a status, each until the next sweep, five seconds at most, and ten more.
SETTLES_S = float(PATIENCE["MESSAGING_CLAIM_GRACE_S"]) + float(PATIENCE["MESSAGING_SETTLE_S"]) + 2 * 5.0 + 10.0
Deed = Callable[[], object]


def senders(folder: Path, people: int) -> Counts:
    """Both senders at the same moment, a hundred times over 50,000 people.

    One of them holds the number's lease and is in the middle of a batch, whichever it is; the other one waits for it.
    """
    moments = max(people // 500, 1)
    hits: list[int] = []
    with staged(folder, people, 600) as stage:
        started = datetime.now(UTC)

        def kill_both() -> None:
            nonlocal started
            # They have taken something since the last kill; whether they hold it is asked when they are dead.
            wait_until(lambda: _taken(stage, started) > 0, "the next claim", DEADLINE_S, poll_s=0.02)
            for name in SENDERS:
                stage.fleet.end(name)
            hits.append(_taken(stage, started, queue=Message.Queue.CLAIMED))
            started = datetime.now(UTC)
            for name in SENDERS:
                stage.fleet.start(name)

        stage.launch()
        wreck(stage, [kill_both] * moments)
        settled_s = _settling(stage)
        counts = stage.finish()
    hit = sum(held > 0 for held in hits)
    wrong = (f"only {hit} of {moments} kills hit claimed messages",) if hit < HIT * moments else ()
    # What never is, the counts call unsettled.
    late = (f"what was claimed was settled only {settled_s:.0f} s later",) if settled_s > SETTLES_S else ()
    told = (
        f"{moments} times both senders killed, of which {hit} with claimed messages, {sum(hits) / moments:.0f} on"
        f" average; all that was claimed by then was settled {settled_s:.0f} s later"
    )
    return counts + Counts(wrong=wrong, late=late, notes=(told,))


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
    """Do these things at random degrees of progress, which a faster or slower machine does not change.

    A fifth of the way lies between them in equal parts, so that something was sent since the last one.
    """
    dice = random.Random(seed)
    apart = 0.2 / len(deeds)
    moments = sorted(dice.uniform(0.02, 0.65) for _ in deeds)
    for n, (moment, deed) in enumerate(zip(moments, deeds, strict=True)):
        stage.reach(moment + n * apart)
        deed()


def _taken(stage: Stage, since: datetime, **so: int) -> int:
    """How many messages were claimed after a moment and are so now."""
    with tenant_scope(stage.campaign.tenant_id):
        return Message.objects.filter(tenant=stage.campaign.tenant_id, claimed_at__gt=since, **so).count()


def _settling(stage: Stage) -> float:
    """Seconds until nothing that was claimed before now is unclear any more; infinite if that never comes.

    From when receivers are not so far behind that the sweeper waits for them.
    """
    began, before = time.monotonic(), datetime.now(UTC)

    def is_settled() -> bool:
        nonlocal began
        if longest_waiting() > float(PATIENCE["MESSAGING_SETTLE_S"]) / 2:
            began = time.monotonic()
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
