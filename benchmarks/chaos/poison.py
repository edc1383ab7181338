"""Messages that cannot be built, webhooks that cannot be read, and a flood of forged and oversized ones."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
from django.db import connection

from benchmarks import load, statuses
from benchmarks.chaos import Counts, Fault
from benchmarks.chaos.postman import PATH, TIMEOUT_S
from benchmarks.chaos.stage import Stage, staged
from benchmarks.fleet import wait_until
from inbox.models import InboundMessage, WebhookEvent
from messaging.models import Message
from tenants.scope import across_tenants, tenant_scope
from tests.inbox import meta as bodies
from whatsapp.signature import sign

RATE = 100
COMMITS_S = 5.0
LARGEST = 3 * 1024 * 1024
FORGER = "somebody else's secret"
AT_ONCE = 8
# So many a second, and as many seconds of valid ones alone before.
FORGED_RATE, VALID_RATE = 1000, 50
FORGED_EACH = 5
# The forger must come near its rate. What is promised of a no, that it counts within two seconds, holds of what people
# write meanwhile: from when it was due at the door until it is applied. The slowest per cent of each of both ways are
# added, so at most two in a hundred take longer.
REACHED, COUNTS_S = 0.9, 2.0
# How long the slowest per cent of what people wrote waited between its 200 and being applied.
APPLIED = """
SELECT extract(epoch FROM percentile_disc(0.99) WITHIN GROUP (ORDER BY done_at - received_at))
FROM inbox_webhookevent WHERE priority = 0 AND received_at BETWEEN %s AND %s
"""
# What _posted says of a body that the door did not listen to, to its end, and whose answer nobody could read.
CUT = 0
# What no door of ours lets in, but a bug, an import by hand or an older release may have left: a number beyond every
# float among the attributes, and a variant that has no content.
POISONED_PEOPLE = """
UPDATE contacts_contact SET attributes = '{"points": 1e400}' WHERE tenant_id = %s AND id %% 50 = 7
"""
# Other people than those, whatever the ids are.
POISONED_ROWS = """
UPDATE messaging_message SET variant = 9 WHERE tenant_id = %s AND source_id = %s AND contact_id %% 50 = 11 AND queue = 0
"""


def messages(folder: Path, people: int) -> Counts:
    """Every 25th message breaks whoever builds it; the door gets bodies that break whoever reads them."""
    with staged(folder, people, RATE) as stage:
        tenant_id = stage.campaign.tenant_id
        with tenant_scope(tenant_id), connection.cursor() as cursor:
            cursor.execute(POISONED_PEOPLE, [tenant_id])
            people_poisoned = cursor.rowcount
        stage.launch()
        wait_until(lambda: _is_frozen(stage), "the freeze", 60, poll_s=0.02)
        with tenant_scope(tenant_id), connection.cursor() as cursor:
            cursor.execute(POISONED_ROWS, [tenant_id, stage.campaign.source_id])
            rows_poisoned = cursor.rowcount
        stage.excused = people_poisoned + rows_poisoned
        stage.reach(0.3)
        seconds = _post_poison(stage)
        counts = stage.finish()
        with tenant_scope(tenant_id):
            failed = Message.objects.filter(tenant=tenant_id, state=Message.State.FAILED).count()
    late = (f"the rest was applied only {seconds:.1f} s after the poison",) if seconds > COMMITS_S else ()
    wrong = () if people_poisoned and rows_poisoned else ("nothing was poisoned",)
    wrong += (f"{failed} of {rows_poisoned} unsendable ones set aside",) if failed != rows_poisoned else ()
    sent = counts.accepted - people + stage.excused
    wrong += (f"{sent} poisoned ones sent",) if sent > 0 else ()
    told = (
        f"{stage.excused} messages poisoned, {failed} set aside;"
        f" {len(stage.poisons)} webhooks poisoned, the next one applied after {seconds:.1f} s"
    )
    return counts + Counts(wrong=wrong, late=late, notes=(told,))


def flood(folder: Path, people: int) -> Counts:
    """Five forged bodies for every person while others are valid, and an oversized one for every fifty."""
    with staged(folder, people, RATE) as stage:
        stage.launch()
        # Else the freeze would slow what is measured as quiet.
        wait_until(lambda: _is_frozen(stage), "the freeze", 60, poll_s=0.02)
        forged = [_forged(stage, n) for n in range(people * FORGED_EACH)]
        stage.postman.forged.extend(forged)
        url = stage.fleet.url("door") + PATH
        file = statuses.written(folder / "forged", FORGER, forged)
        seconds = len(forged) / FORGED_RATE
        quiet = _valid(stage, folder, "quiet", seconds)
        began = datetime.now(UTC)
        forger = load.start(url, file, rate=FORGED_RATE)
        flooded = _valid(stage, folder, "flooded", seconds)
        flooding = load.finish(forger)
        ended = datetime.now(UTC)
        big = _posted(stage, [_oversized(stage, n) for n in range(max(people // 50, 1))], stage.secret)
        counts = stage.finish()
        applied_s = _applied_s(began, ended)
    wrong = (f"forged answered {flooding.statuses}",) if flooding.statuses != {"403": len(forged)} else ()
    wrong += () if 413 in big and big <= {413, CUT} else (f"oversized answered {sorted(big)}",)
    reached = len(forged) / flooding.seconds
    late = (f"only {reached:.0f} forged a second",) if reached < REACHED * FORGED_RATE else ()
    counts_s = flooded.p99_ms / 1000 + applied_s
    late += (f"what people wrote counted after {counts_s:.1f} s",) if counts_s > COUNTS_S else ()
    refused = quiet.others + flooded.others
    wrong += (f"{refused} valid ones refused",) if refused else ()
    told = (
        f"{len(forged)} forged at {reached:.0f}/s answered {flooding.statuses},"
        f" oversized {sorted(big)}; the slowest per cent of valid ones took {quiet.p99_ms:.0f} ms before,"
        f" {flooded.p99_ms:.0f} ms meanwhile, {flooded.p99_ms / quiet.p99_ms:.1f} times as long"
        f" (median {quiet.median_ms:.1f} and {flooded.median_ms:.1f} ms), and counted {applied_s:.2f} s later"
    )
    return counts + Counts(wrong=wrong, late=late, notes=(told,))


def poisons(stage: Stage) -> Iterator[bytes]:
    """Bodies that Meta's signature makes true and nothing makes sense of."""
    number = stage.postman.number
    yield b"{"
    yield b"\xff\xfe\x00"
    yield b"[" * 100_000 + b"]" * 100_000
    yield b'{"object": "whatsapp_business_account", "entry": ' + b'[{"changes":' * 900 + b"1" + b"}]" * 900 + b"}"
    for shape in (
        7,
        "text",
        None,
        [7],
        [[]],
        [None],
        {"id": 7},
        [{"changes": 7}],
        [{"changes": [7, None, {"value": 7}]}],
    ):
        yield json.dumps({"object": "whatsapp_business_account", "entry": shape}).encode()
    for item in (
        7,
        None,
        [],
        {},
        {"id": 7},
        {"id": None, "status": [], "timestamp": {}},
        {"id": "x", "timestamp": "1e99"},
    ):
        yield bodies.body(number, statuses=[item])
        yield bodies.body(number, messages=[item], contacts=[item])
    yield bodies.body(number, statuses=[bodies.status("wamid.nul\x00", "sent")])
    yield bodies.body(number, messages=[bodies.text("\x00\ud800", wamid="wamid.surrogate")])
    filler = bodies.body(number, statuses=[bodies.status("wamid.big", "sent", filler="")])
    yield filler.replace(b'"filler": ""', b'"filler": "' + b"x" * (LARGEST - len(filler)) + b'"')


def _post_poison(stage: Stage) -> float:
    """Post every poison, then a good body; returns how many seconds later that was applied."""
    stage.poisons.update(poisons(stage))
    refused = _posted(stage, list(stage.poisons), stage.secret) - {200}
    assert not refused, refused
    good = bodies.text("Danke", at=bodies.datetime.now(bodies.UTC), wamid="wamid.afterpoison")
    began = time.monotonic()
    _posted(stage, [bodies.body(stage.postman.number, messages=[good])], stage.secret)
    wait_until(lambda: _is_applied(stage, "wamid.afterpoison"), "the body after the poison", 60, poll_s=0.05)
    seconds = time.monotonic() - began
    wait_until(lambda: not _waits(stage), "the poison", 60)
    return seconds


def _posted(stage: Stage, contents: list[bytes], secret: str) -> set[int]:
    """Post bodies signed with a secret, several at once; which statuses came."""

    def post(body: bytes) -> int:
        try:
            return http.post(PATH, content=body, headers={"X-Hub-Signature-256": sign(secret, body)}).status_code
        except httpx.TransportError:
            # The door does not listen to the end of what is too large.
            return CUT

    with (
        httpx.Client(base_url=stage.fleet.url("door"), timeout=TIMEOUT_S, trust_env=False) as http,
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        return set(threads.map(post, contents))


def _valid(stage: Stage, folder: Path, name: str, seconds: float) -> load.Answers:
    """Post people's messages for so long; what the door said, and how soon."""
    wamids = [f"wamid.{name}{n}" for n in range(max(int(seconds * VALID_RATE), 1))]
    letters = [bodies.body(stage.postman.number, messages=[bodies.text("Danke", wamid=wamid)]) for wamid in wamids]
    answered = folder / f"{name}.answered"
    file = statuses.written(folder / name, stage.secret, letters)
    found = load.post(stage.fleet.url("door") + PATH, file, connections=AT_ONCE, rate=VALID_RATE, answered=answered)
    stage.postman.answered.update({letters[int(n)]: wamids[int(n)] for n in answered.read_text().split()})
    return found


def _applied_s(began: datetime, ended: datetime) -> float:
    with across_tenants("a webhook belongs to no tenant until it is read"), connection.cursor() as cursor:
        cursor.execute(APPLIED, [began, ended])
        return float(cursor.fetchone()[0])


def _forged(stage: Stage, n: int) -> bytes:
    told = bodies.text("STOPP", sender=f"4930231250{n % 1000:05d}"[-12:], wamid=f"wamid.forged.flood{n}")
    return bodies.body(stage.postman.number, messages=[told])


def _oversized(stage: Stage, n: int) -> bytes:
    told = bodies.text("x" * (LARGEST + 1000), wamid=f"wamid.forged.big{n}")
    return bodies.body(stage.postman.number, messages=[told])


def _is_frozen(stage: Stage) -> bool:
    with tenant_scope(stage.campaign.tenant_id):
        stage.campaign.refresh_from_db()
    return stage.campaign.frozen_at is not None


def _is_applied(stage: Stage, wamid: str) -> bool:
    with tenant_scope(stage.campaign.tenant_id):
        return InboundMessage.objects.filter(tenant=stage.campaign.tenant_id, wamid=wamid).exists()


def _waits(stage: Stage) -> bool:
    with across_tenants("raw webhooks belong to nobody yet"):
        waiting = WebhookEvent.objects.filter(state=WebhookEvent.State.WAITING).values_list("body", flat=True)
        return any(bytes(body) in stage.poisons for body in waiting)


FAULTS = (
    Fault(
        "poison",
        "messages nobody can build and webhooks nobody can read are set aside, and the rest commits within 5 seconds.",
        2_000,
        messages,
    ),
    Fault(
        "flood",
        "a thousand forged webhooks a second get 403 and oversized ones 413, they leave no row, and of what people"
        " write meanwhile 98 in 100 are answered and count within two seconds.",
        3_000,
        flood,
    ),
)
