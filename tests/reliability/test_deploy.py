"""A deploy in the middle of a campaign: every process is asked to end, ends soon and in order, and nobody notices."""

import json
import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.chaos import campaign as campaigns
from benchmarks.fleet import Fleet, wait_until
from tenants.scope import tenant_scope
from tests import factories
from whatsapp.emulator.profile import Profile
from whatsapp.emulator.remote import Remote

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES = ("emulator", "door", "web", "sending-1", "sending-2", "receiving", "default", "beat")
# The order of docs/operations.md: who makes work first, who does it next, who takes it in last.
DEPLOYED = ("beat", "sending-1", "sending-2", "receiving", "default", "door", "web")
PEOPLE = 1500
# Tests may run as root, which Celery warns of; the product never does.
JSON = {"LOG_FORMAT": "json", "PYTHONWARNINGS": "ignore"}
# What docs/operations.md promises.
WITHIN_S = 30


def test_a_deploy_during_a_campaign_sends_nothing_twice_loses_nobody_and_leaves_nothing_unclear(
    with_own_redis: None, tmp_path: Path
) -> None:
    campaign = campaigns.prepared(PEOPLE, 100)
    secret = secrets.token_hex(16)
    with (
        Fleet(tmp_path, ("valkey", *PROCESSES), WHATSAPP_APP_SECRET=secret, **JSON) as fleet,
        Remote(fleet.url("emulator")) as meta,
    ):
        campaigns.connect(campaign, meta)
        # Answers that are on their way while a sender is asked to end.
        meta.configure(Profile.perfect(seed=1, slow=0.05, slow_s=2.0))
        campaigns.launch(campaign)
        took = {}
        for n, name in enumerate(DEPLOYED, start=1):
            goal = n * PEOPLE * 0.08
            wait_until(lambda goal=goal: meta.stats()["accepted"] >= goal, f"{goal:.0f} messages", 120)
            took[name] = fleet.replace(name, within_s=WITHIN_S)
        wait_until(lambda: campaigns.is_over(campaign, meta), "the campaign", 180)
        wait_until(lambda: is_well(fleet), "the new processes", 30)
        taken = Counter(row["recipient"] for row in campaigns.acceptances(meta))

    with tenant_scope(campaign.tenant_id):
        source = campaign.source
    assert (len(taken), max(taken.values())) == (PEOPLE, 1), took
    assert factories.states(source) == {"READ": PEOPLE}, took
    lines = list(logged(tmp_path))
    assert len(lines) > len(DEPLOYED)
    for line in lines:
        assert {"time", "level", "logger", "message"} <= json.loads(line).keys(), line
        assert "4930231250" not in line


def logged(folder: Path) -> Iterator[str]:
    """What the product's processes wrote; neither Redis nor the sandbox is one of them."""
    for log in folder.glob("*.log"):
        if log.stem not in ("valkey", "emulator"):
            # Celery's last words go to the terminal, whatever its log does.
            yield from (line for line in log.read_text().splitlines() if line and not line.startswith("worker: "))


def is_well(fleet: Fleet) -> bool:
    """Whether a deploy may go on to the next host: beat and every queue have shown life, and nothing is late."""
    answer = httpx.get(f"{fleet.url('web')}/readyz?strict=1", timeout=10)
    assert httpx.get(f"{fleet.url('door')}/readyz", timeout=10).text == "ready"
    return answer.status_code == 200
