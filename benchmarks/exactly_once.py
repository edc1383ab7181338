"""Kills workers while a campaign runs, and counts from Meta's side who got the message twice and who never.

Everything is real: workers, beat, door, PostgreSQL, Redis, HTTP. The emulator refuses, answers HTTP 500, hangs and
resets connections; senders, receivers, the door, beat and Redis are ended with SIGKILL. Redis stays away for seconds
and comes back empty, as another run; it is also emptied while it runs, and drops its clients.
"""

import io
import random
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from django.core.management import CommandError, call_command

from benchmarks import Measured
from benchmarks.fleet import BROKER, Fleet, TookTooLong, wait_until
from campaigns import actions as campaigns
from campaigns.models import Campaign
from contacts.actions import lists
from inbox.models import WebhookEvent
from messaging.models import Message
from tenants.actions import create_tenant
from tenants.scope import across_tenants, tenant_scope
from tests import factories
from whatsapp.emulator.profile import Profile
from whatsapp.emulator.remote import Remote

PEOPLE = 20_000
PROCESSES = (BROKER, "emulator", "door", "sending-1", "sending-2", "receiving", "default", "beat")
# Senders most often: they are the ones who could send twice.
VICTIMS = ("sending-1", "sending-2", "sending-1", "sending-2", "receiving", "door", "default", "beat")
# How long a killed Redis stays away.
AWAY_S = (1.0, 2.0)
# Short enough for a test: an attempt without answer is given up after 2 s, and settled 10 s after its claim.
PATIENCE = {"WHATSAPP_TIMEOUT_S": "2", "MESSAGING_CLAIM_GRACE_S": "4", "MESSAGING_SETTLE_S": "10"}
FAULTS = {
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
REACHED = {Message.State.ACCEPTED, Message.State.SENT, Message.State.DELIVERED, Message.State.READ}
ENDED = REACHED | {Message.State.SKIPPED, Message.State.FAILED, Message.State.CANCELLED, Message.State.EXPIRED}


@dataclass(frozen=True)
class Plan:
    """How much is sent and how much goes wrong; `throughput` is in messages a second, `restarts` are Redis'."""

    recipients: int
    kills: int
    restarts: int
    throughput: int
    deadline_s: float
    seed: int = 1


@dataclass(frozen=True)
class Outcome:
    """What happened. `accepted` people have the message according to Meta; `twice` and `lost` must be 0.

    `lost` counts audience members without a row in a final state, or uncertain without a reason; `disagreed` people
    whom Meta's ledger and our rows see differently; `drifted` says that KPIs differ from a recount.
    """

    recipients: int
    accepted: int
    twice: int
    lost: int
    uncertain: int
    disagreed: int
    kills: int
    restarts: int
    seconds: float
    drifted: str = ""
    states: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def is_right(self) -> bool:
        """Whether nobody was reached twice or lost, and both sides and the KPIs agree."""
        return not (self.twice or self.lost or self.disagreed or self.drifted)

    def __str__(self) -> str:
        return (
            f"recipients={self.recipients} accepted={self.accepted} twice={self.twice} lost={self.lost}"
            f" uncertain={self.uncertain} disagreed={self.disagreed} kills={self.kills}"
            f" restarts={self.restarts} seconds={self.seconds:.0f} {self.drifted} {self.states} {self.reasons}"
        )


def measure(people: int = PEOPLE) -> list[Measured]:
    """24 kills and 4 restarts of Redis; needs an empty database, which `python -m benchmarks` provides."""
    plan = Plan(recipients=people, kills=24, restarts=4, throughput=400, deadline_s=900)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = run(plan, Path(folder))
    print(found)
    return [
        Measured("exactly_once", "people reached twice or lost", found.twice + found.lost, met=found.is_right),
    ]


def run(plan: Plan, folder: Path) -> Outcome:
    """Send one campaign while processes die; logs go to `folder`. Raises TookTooLong if it does not finish."""
    campaign = prepared(plan.recipients, plan.throughput)
    secret = secrets.token_hex(16)
    with (
        Fleet(folder, PROCESSES, WHATSAPP_APP_SECRET=secret, **PATIENCE) as fleet,
        Remote(fleet.url("emulator")) as meta,
    ):
        connect(campaign, meta)
        meta.configure(Profile.perfect(seed=plan.seed, **FAULTS))
        started_at = time.monotonic()
        launch(campaign)
        try:
            _wreck(plan, fleet, meta)
            wait_until(lambda: is_over(campaign, meta), "the campaign", plan.deadline_s)
        except TookTooLong as error:
            error.add_note(str(_judged(plan, campaign, meta, time.monotonic() - started_at)))
            raise
        return _judged(plan, campaign, meta, time.monotonic() - started_at)


def prepared(recipients: int, throughput: int) -> Campaign:
    """A draft of a new tenant to that many people who said yes, ready for `launch`."""
    mark = secrets.token_hex(4)
    tenant = create_tenant(slug=f"einmal-{mark}", name="Einmal", owner_email=f"{mark}@example.com").tenant
    # With a daily limit, because every claim asks Redis for it.
    number = factories.number(tenant, throughput=throughput, daily_limit=recipients)
    template = factories.template(tenant)
    factories.contacts(tenant, recipients)
    with tenant_scope(tenant):
        everybody = lists.create_list(tenant=tenant, name="Alle", by=None)
        lists.add_members(contact_list=everybody, contacts=tenant.contacts.all(), by=None)
        campaign = campaigns.create(tenant=tenant, name="Frühling", by=None)
        campaigns.update(campaign=campaign, by=None, number=number)
        campaigns.set_audience(campaign=campaign, by=None, include_lists=[everybody])
        campaigns.set_content(campaign=campaign, by=None, template=template, variables=factories.VARIABLES)
    return campaign


def connect(campaign: Campaign, meta: Remote) -> None:
    """Tell the emulator the account of the campaign's number, which its webhooks name, and that we subscribed."""
    with tenant_scope(campaign.tenant_id):
        number = campaign.tenant.numbers.select_related("account").get()
    meta.add_account(number.account.waba_id, is_subscribed=True)
    meta.add_number(number.phone_number_id, number.account.waba_id)


def launch(campaign: Campaign) -> None:
    """Start it, as the button does."""
    with tenant_scope(campaign.tenant_id):
        campaigns.launch(campaign=campaign, by=None)


def _wreck(plan: Plan, fleet: Fleet, meta: Remote) -> None:
    """Let bad things happen at random degrees of progress, which a faster or slower machine does not change."""
    dice = random.Random(plan.seed)
    deeds = [_killing(fleet, VICTIMS[n % len(VICTIMS)]) for n in range(plan.kills)]
    deeds += [_killing(fleet, BROKER, away_s=dice.uniform(*AWAY_S)) for _ in range(plan.restarts)]
    deeds += [lambda: _redis(fleet).flushdb(), lambda: _redis(fleet).client_kill_filter(_type="normal", skipme=True)]
    dice.shuffle(deeds)
    moments = sorted(dice.uniform(0.02, 0.85) for _ in deeds)
    for moment, deed in zip(moments, deeds, strict=True):
        goal = moment * plan.recipients
        wait_until(lambda goal=goal: meta.stats()["accepted"] >= goal, f"{moment:.0%} of the campaign", plan.deadline_s)
        deed()


def _killing(fleet: Fleet, name: str, *, away_s: float = 0.0) -> Callable[[], object]:
    return lambda: fleet.kill(name, away_s=away_s)


def _redis(fleet: Fleet) -> "redis.Redis":
    # A new client each time: the last one's connection may belong to a server that was killed since.
    return redis.Redis.from_url(fleet.redis_url)


def is_over(campaign: Campaign, meta: Remote) -> bool:
    """Whether the campaign is finished and every webhook about it was sent, received and applied."""
    with tenant_scope(campaign.tenant_id):
        campaign.refresh_from_db()
    return campaign.state == Campaign.State.FINISHED and meta.settle(timeout_s=1) and is_all_received()


def is_all_received() -> bool:
    """Whether no stored webhook waits to be applied."""
    with across_tenants("raw webhooks belong to nobody yet"):
        return not WebhookEvent.objects.filter(state=WebhookEvent.State.WAITING).exists()


def _judged(plan: Plan, campaign: Campaign, meta: Remote, seconds: float) -> Outcome:
    taken = Counter(row["recipient"] for row in acceptances(meta))
    with tenant_scope(campaign.tenant_id):
        campaign.refresh_from_db()
        rows = list(
            Message.objects.filter(tenant=campaign.tenant_id, source=campaign.source_id).values_list(
                "contact__phone", "state", "queue", "reason"
            )
        )
    uncertain = [row for row in rows if row[1] == Message.State.UNCERTAIN]
    clear = sum(state in ENDED and queue == Message.Queue.OUT for _, state, queue, _ in rows)
    explained = sum(queue == Message.Queue.OUT and bool(reason) for _, _, queue, reason in uncertain)
    reached = {phone.lstrip("+") for phone, state, _, _ in rows if state in REACHED}
    return Outcome(
        recipients=plan.recipients,
        accepted=len(taken),
        twice=sum(count > 1 for count in taken.values()),
        lost=plan.recipients - clear - explained,
        uncertain=len(uncertain),
        disagreed=len(reached ^ taken.keys()),
        kills=plan.kills,
        restarts=plan.restarts,
        seconds=seconds,
        drifted=_drifted(campaign.tenant.slug),
        states=dict(Counter(Message.State(state).name for _, state, _, _ in rows)),
        reasons=dict(Counter(reason for _, _, _, reason in rows if reason)),
    )


def acceptances(meta: Remote) -> Iterator[dict[str, Any]]:
    """Everything that the emulator's ledger holds."""
    start = 0
    while page := meta.acceptances(offset=start, limit=5000):
        yield from page
        start += len(page)


def _drifted(slug: str) -> str:
    try:
        call_command("verify_kpis", tenant=slug, stdout=io.StringIO())
    except CommandError as error:
        return str(error)
    return ""
