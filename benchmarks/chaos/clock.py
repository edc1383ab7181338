"""Clocks that jump by an hour: of one worker of each kind, or of all; Redis and PostgreSQL keep theirs."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.chaos import Counts, Fault, campaign, counting
from benchmarks.chaos.stage import PROCESSES, Stage, staged, without
from benchmarks.fleet import wait_until
from campaigns import actions
from campaigns.models import Campaign
from config.localservices.processes import PROCESSES as TABLE
from config.localservices.processes import Process
from tenants.scope import tenant_scope

RATE = 100
HOUR_S = 3600
WINDOW_S, MOST = 10, 1.02
# The bucket lets a fortieth of a second be made up for (messaging.bucket): so much more may come at once.
BURST = RATE * 0.025
# Meta throttles for a while at the end of every jump, and each time the number rests for a second: no rate is measured
# then.
THROTTLED, THROTTLED_S, RESTS_S = {"130429": 0.02}, 1.0, 1.5
# Of the rate that the same campaign has before the first jump. A worker that is ahead of others drops their bells as
# expired, and beat's next one comes a second later: all stretches together, and each of them.
LEAST, LEAST_EACH = 0.9, 0.7
SCHEDULED_PEOPLE = 20
# Beat looks every five seconds, and a launch is frozen first.
LATE_S = 20.0


def _jumping(kind: str, file: str) -> Process:
    """This kind of process with the clock of that file."""
    return Process(TABLE[kind].arguments.replace("-m celery", f"-m benchmarks.chaos.travelling {{base}}/{file}", 1))


SOME, ALL = "clock-of-some", "clock-of-all"
JUMPING = {
    "oddsending": _jumping("sending", SOME),
    "odddefault": _jumping("default", SOME),
    "oddreceiving": _jumping("receiving", SOME),
    "allsending": _jumping("sending", ALL),
    "alldefault": _jumping("default", ALL),
    "allreceiving": _jumping("receiving", ALL),
    "allbeat": _jumping("beat", ALL),
}
# Who may be wrong, by how much; at the end everybody is right again.
JUMPS = (
    ([SOME], HOUR_S),
    ([SOME], -HOUR_S),
    ([SOME], 0),
    ([SOME, ALL], HOUR_S),
    ([SOME, ALL], -HOUR_S),
    ([SOME, ALL], 0),
)


def jumps(folder: Path, people: int) -> Counts:
    """Six jumps during one campaign; a second campaign is due in the middle of the fifth."""
    # With a time before all of them, and some people left at the end.
    each_s = max((people / RATE - len(JUMPS) * (THROTTLED_S + RESTS_S)) / (len(JUMPS) + 2), 1.0)
    names = (*without(PROCESSES, "sending-1", "sending-2", "receiving", "default", "beat"), *JUMPING)
    with staged(folder, people, RATE, processes=names, more=JUMPING) as stage:
        _tell_template(stage, stage.campaign)
        stage.launch()
        stage.reach_count(1)
        spans = [_lasting(each_s)]
        later, due_at = _scheduled(stage, in_s=(THROTTLED_S + RESTS_S + each_s) * 4.5)
        for files, seconds in JUMPS:
            for file in files:
                _set(folder / file, seconds)
            spans.append(_lasting(each_s))
            _throttle(stage)
        left = people - stage.accepted
        counts = stage.finish()
        wait_until(lambda: campaign.is_over(later, stage.meta), "the scheduled campaign", 120)
        counts += _judged(stage, later, due_at)
        ledger = stage.ledger()
        throttled = stage.meta.stats().get("refused_130429", 0)
    busiest = counting.busiest(ledger, WINDOW_S)
    before, *after = (counting.rate(ledger, *span) for span in spans)
    told = f"{before:.1f}/s before the jumps, {', '.join(f'{rate:.1f}' for rate in after)} after each"
    mean = sum(after) / len(after)
    wrong = (f"{busiest:.0f} a second where {RATE} are allowed",) if busiest > RATE * MOST else ()
    wrong += (f"{max(after):.1f} a second after a jump",) if max(after) > RATE * MOST + BURST / each_s else ()
    wrong += () if throttled else ("nothing was throttled",)
    late = (f"{mean:.1f} a second after jumps, {before:.1f} without",) if mean < before * LEAST else ()
    is_slow = min(after) < before * LEAST_EACH
    late += (f"{min(after):.1f} a second after a jump, {before:.1f} without",) if is_slow else ()
    late += () if left > 0 else ("the campaign was over before the last jump was",)
    gaps = ", ".join(f"{counting.longest_gap(ledger, *span):.1f}" for span in spans[1:])
    told += f", {mean:.1f} on average; longest gaps {gaps} s"
    told += f"; busiest {WINDOW_S} s: {busiest:.0f}/s of {RATE}/s; {throttled} throttled"
    return counts + Counts(wrong=wrong, late=late, notes=(told,))


def _lasting(seconds: float) -> tuple[float, float]:
    """Wait; returns from when to when, by the clock that the emulator's ledger has too."""
    began = time.time()
    time.sleep(seconds)
    return began, time.time()


def _throttle(stage: Stage) -> None:
    """What was throttled comes again at a time, which must not be that of the wrong clock."""
    stage.meta.configure(refused=THROTTLED)
    time.sleep(THROTTLED_S)
    stage.meta.configure(refused={})
    time.sleep(RESTS_S)


def _tell_template(stage: Stage, of: Campaign) -> None:
    """Register the campaign's template at Meta: clocks that jump an hour bring the hourly comparison."""
    with tenant_scope(of.tenant_id):
        template = of.tenant.templates.select_related("account").get()
    fields = ("name", "language", "category", "components")
    stage.meta.add_template(template.account.waba_id, {name: getattr(template, name) for name in fields})


def _set(file: Path, seconds: int) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(str(seconds))
    fresh.rename(file)


def _scheduled(stage: Stage, in_s: float) -> tuple[Campaign, datetime]:
    """A campaign of another tenant that is due in so many seconds."""
    later = campaign.prepared(SCHEDULED_PEOPLE, RATE)
    campaign.connect(later, stage.meta)
    _tell_template(stage, later)
    due_at = datetime.now(UTC) + timedelta(seconds=in_s)
    with tenant_scope(later.tenant_id):
        actions.schedule(campaign=later, local=due_at.replace(tzinfo=None), timezone="UTC", by=None)
    return later, due_at


def _judged(stage: Stage, later: Campaign, due_at: datetime) -> Counts:
    ledger = stage.ledger(later)
    off_s = min(row["at"] for row in ledger) - due_at.timestamp()
    told = f"what was scheduled began {off_s:.1f} s after its time"
    early, late = ((told,) if is_so else () for is_so in (off_s < 0, off_s > LATE_S))
    return counting.of_campaign(later, SCHEDULED_PEOPLE, ledger) + Counts(wrong=early, late=late, notes=(told,))


FAULTS = (
    Fault(
        "clock",
        "clocks of ours that jump by an hour, forwards and back, raise the rate by 2 % at most, lower it by a tenth on"
        " average at most, and change no schedule.",
        8_000,
        jumps,
    ),
)
