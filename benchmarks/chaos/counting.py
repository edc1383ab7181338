"""Counts twice, lost, forged and unsettled: from Meta's ledger, from our rows, and from what the door answered."""

import io
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from django.core.management import CommandError, call_command

from benchmarks.chaos import Counts
from campaigns.models import Campaign
from inbox.models import InboundMessage, WebhookEvent
from messaging.models import Message
from tenants.scope import across_tenants, tenant_scope

STATE, QUEUE = Message.State, Message.Queue
REACHED = {STATE.ACCEPTED, STATE.SENT, STATE.DELIVERED, STATE.READ}
ENDED = REACHED | {STATE.SKIPPED, STATE.FAILED, STATE.CANCELLED, STATE.EXPIRED}
UNSETTLED = {STATE.CLAIMED, STATE.UNCERTAIN}
# Where Meta delivers everything and everybody reads it.
ALL_READ = frozenset({STATE.READ})
# How the emulator counts that it did what its profile says.
SHOWN_BY = {
    "server_errors": "answered_error",
    "hangs": "answered_hang",
    "resets": "answered_reset",
    "slow": "answered_slow",
    "duplicates": "told_twice",
}


class Row(NamedTuple):
    """One of our messages, as far as it is counted."""

    phone: str
    state: int
    queue: int
    reason: str


def of_campaign(
    campaign: Campaign,
    people: int,
    ledger: Iterable[dict[str, Any]],
    *,
    excused: int = 0,
    ends: Collection[int] = ALL_READ,
) -> Counts:
    """What became of a campaign to so many people, whose tenant sent nothing else; all but the excused must be reached.

    A row may say "failed" or "skipped" for good reasons, so only the ledger tells that people got their message; and
    the rows of those people must be in one of the states `ends`, which Meta's webhooks have told.
    """
    taken = Counter(row["recipient"] for row in ledger)
    rows = _rows(campaign)
    unsettled = sum(row.state in UNSETTLED or row.queue == QUEUE.CLAIMED for row in rows)
    ended = sum(row.state in ENDED and row.queue == QUEUE.OUT for row in rows)
    reached = {row.phone for row in rows if row.state in REACHED}
    # What is unsettled is counted as that.
    told = {row.phone for row in rows if row.state in ends or row.state in UNSETTLED}
    disagreed = len(reached - taken.keys()) + len(taken.keys() - told)
    missed = people - excused - len(taken)
    drift = _drift(campaign.tenant.slug)
    states = Counter(STATE(row.state).name for row in rows)
    reasons = Counter(row.reason for row in rows if row.reason)
    return Counts(
        accepted=len(taken),
        twice=sum(count > 1 for count in taken.values()),
        # Rows too many must not make up for what is lost.
        lost=abs(people - ended - unsettled) + disagreed + bool(drift),
        unsettled=unsettled,
        wrong=(f"{missed} people were not reached",) if missed > 0 else (),
        notes=(
            f"{dict(states)} {dict(reasons) if reasons else ''}".strip(),
            *([f"{disagreed} disagree with what Meta accepted and told"] if disagreed else []),
            *([drift] if drift else []),
        ),
    )


def of_webhooks(
    campaign: Campaign, answered: dict[bytes, str], forged: Iterable[bytes], poisons: Collection[bytes] = ()
) -> Counts:
    """What became of bodies: `answered` got a 200 (with the wamids in them), `forged` must not be there.

    Only `poisons` may be set aside, each with a reason.
    """
    with across_tenants("raw webhooks belong to nobody"):
        stored = list(WebhookEvent.objects.values_list("body", "state", "error"))
    with tenant_scope(campaign.tenant_id):
        known = set(InboundMessage.objects.filter(tenant=campaign.tenant_id).values_list("wamid", flat=True))
    states = {bytes(body): state for body, state, _ in stored}
    strange = set(forged)
    waiting = sum(state == WebhookEvent.State.WAITING for _, state, _ in stored)
    aside = [(bytes(body), error) for body, state, error in stored if state == WebhookEvent.State.SET_ASIDE]
    lost = sum(body not in states for body in answered) + sum(
        wamid not in known for wamid in answered.values() if wamid
    )
    wrongly = [error for body, error in aside if body not in poisons]
    return Counts(
        lost=lost + len(wrongly),
        forged=sum(body in strange for body, _, _ in ((bytes(b), s, e) for b, s, e in stored))
        + sum("forged" in wamid for wamid in known),
        unsettled=waiting + sum(not error for _, error in aside),
        notes=tuple(f"set aside: {error}" for error in wrongly[:5]),
    )


def misdeeds(behaviour: Mapping[str, Any], stats: Mapping[str, int]) -> dict[str, int]:
    """What Meta was to do wrong, by its profile, and how often it did, by the emulator's own counts."""
    counts = {what: count for what, count in SHOWN_BY.items() if behaviour.get(what)}
    counts |= {f"refused {code}": f"refused_{code}" for code in behaviour.get("refused", ())}
    return {what: stats.get(count, 0) for what, count in counts.items()}


def busiest(ledger: Iterable[dict[str, Any]], seconds: float) -> float:
    """The most messages a second that Meta accepted in any window of so many seconds."""
    times = sorted(row["at"] for row in ledger)
    start, most = 0, 0
    for end, at in enumerate(times):
        while at - times[start] > seconds:
            start += 1
        most = max(most, end - start + 1)
    return most / seconds


def longest_gap(ledger: Iterable[dict[str, Any]], start: float, end: float) -> float:
    """The longest time between two moments in which Meta accepted nothing; what came before does not shorten it."""
    times = sorted(row["at"] for row in ledger if start < row["at"] < end)
    return max(later - earlier for earlier, later in pairwise([start, *times, end]))


def rate(ledger: Iterable[dict[str, Any]], start: float, end: float) -> float:
    """How many messages a second Meta accepted between two moments."""
    return sum(start <= row["at"] < end for row in ledger) / (end - start)


def _rows(campaign: Campaign) -> list[Row]:
    with tenant_scope(campaign.tenant_id):
        campaign.refresh_from_db()
        found = Message.objects.filter(tenant=campaign.tenant_id, source=campaign.source_id)
        rows = found.values_list("contact__phone", "state", "queue", "reason")
        return [Row(phone.lstrip("+"), *rest) for phone, *rest in rows]


def _drift(slug: str) -> str:
    """What `verify_kpis` complains about; empty if nothing."""
    try:
        call_command("verify_kpis", tenant=slug, stdout=io.StringIO())
    except CommandError as error:
        return str(error)
    return ""
