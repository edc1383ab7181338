"""Statuses that come three times, shuffled and late, beside the same statuses once and in order."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from django.db import connection

from benchmarks.chaos import Counts, Fault, campaign
from benchmarks.chaos.postman import PATH, TIMEOUT_S
from benchmarks.chaos.stage import Stage, staged
from benchmarks.fleet import wait_until
from messaging.models import Message
from tenants.scope import tenant_scope

RATE = 300
TIMES, AT_ONCE = 3, 8
# A day's fates, so that every kind of status and failure comes.
FATES = {"delivered": 0.9, "read": 0.7, "failures": {"131026": 0.08, "131000": 0.02}, "batch_size": 7, "speed": 600}
ENDS = frozenset({Message.State.SENT, Message.State.DELIVERED, Message.State.READ, Message.State.FAILED})
# What Meta counts, and where our rows keep it.
TOLD = {"sent": "sent_at", "delivered": "delivered_at", "read": "read_at", "failed": "failed_at"}
TELLS = (
    "contact_id",
    *("state", "queue", "reason", "error_code", "sent_at", "delivered_at", "read_at", "failed_at"),
    *("price_type", "price_category", "wamid"),
)
# As if no status had come yet, and the answer with the wamid had been lost, which statuses bring then.
UNTOLD = """
UPDATE messaging_message SET state = 2, queue = 2, reason = '', error_code = NULL, sent_at = NULL, delivered_at = NULL,
    read_at = NULL, failed_at = NULL, price_type = '', price_category = '', wamid = NULL
WHERE tenant_id = %s AND source_id = %s
"""
Posted = tuple[bytes, dict[str, str]]
# Of one message, what TELLS says.
Row = dict[str, Any]


def shuffled(folder: Path, people: int) -> Counts:
    """A campaign's bodies are kept until it is over; then posted in order, undone, and posted again in disorder."""
    with staged(folder, people, RATE, **FATES) as stage:
        stage.ends = ENDS
        stage.meta.point_webhooks("", stage.secret)
        stage.launch()
        stage.reach_count(people)
        wait_until(lambda: campaign.is_finished(stage.campaign), "the campaign", 120)
        wait_until(lambda: stage.meta.settle(timeout_s=1), "the last status", 240)
        kept = stage.meta.take_webhooks()
        in_order = _told(stage, kept, at_once=1)
        with tenant_scope(stage.campaign.tenant_id), connection.cursor() as cursor:
            cursor.execute(UNTOLD, [stage.campaign.tenant_id, stage.campaign.source_id])
        disorder = kept * TIMES
        random.Random(1).shuffle(disorder)
        in_disorder = _told(stage, disorder, at_once=AT_ONCE)
        stats = stage.meta.stats()
        counts = stage.finish()
    differ = sum(in_order[key] != in_disorder[key] for key in in_order)
    # Else both would be the same if nothing were applied.
    heard = {status: sum(row[at] is not None for row in in_order.values()) for status, at in TOLD.items()}
    missed = sum(abs(heard[status] - stats.get(status, 0)) for status in TOLD)
    untold = tuple(f"Meta told nobody's message {status}" for status in TOLD if not stats.get(status))
    told = (
        f"{len(kept)} bodies once in order, {len(disorder)} shuffled: {differ} of {len(in_order)} rows differ;"
        f" {heard}, of which Meta told {missed} more or fewer"
    )
    return counts + Counts(lost=differ + missed, wrong=untold, notes=(told,))


def _told(stage: Stage, posted: Sequence[Posted], *, at_once: int) -> dict[int, Row]:
    """Post these bodies and wait until they are applied; returns the rows by contact."""
    with (
        httpx.Client(base_url=stage.fleet.url("door"), timeout=TIMEOUT_S, trust_env=False) as http,
        ThreadPoolExecutor(at_once) as threads,
    ):
        statuses = list(threads.map(lambda one: http.post(PATH, content=one[0], headers=one[1]).status_code, posted))
    assert set(statuses) == {200}
    wait_until(campaign.is_all_received, "receiving", 120)
    with tenant_scope(stage.campaign.tenant_id):
        rows = Message.objects.filter(tenant=stage.campaign.tenant_id, source=stage.campaign.source_id)
        return {row["contact_id"]: row for row in rows.values(*TELLS)}


FAULTS = (
    Fault(
        "webhooks",
        "statuses three times, shuffled and late leave exactly the rows that they leave once and in order.",
        3_000,
        shuffled,
    ),
)
