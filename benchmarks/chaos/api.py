"""Meta's API misbehaves, one way after the other, and is well again after each."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.chaos import Counts, Fault
from benchmarks.chaos.proxy import Proxy, certificate
from benchmarks.chaos.stage import Stage, staged
from benchmarks.fleet import TookTooLong, wait_until

RATE = 100
RECOVERS_S, WINDOW_S = 30.0, 3.0
# Long enough that nobody waits for the end of a hang.
HANG_S = 120.0


@dataclass(frozen=True)
class Bad:
    """One way to misbehave: of the emulator, which the proxy's counts in `shows` tell, of the way there, or of both."""

    name: str
    meta: Mapping[str, Any] | None = None
    way: Mapping[str, float] | None = None
    shows: tuple[str, ...] = ()


WELL = {"refused": {}, "server_errors": 0, "hangs": 0, "resets": 0, "slow": 0}
MISBEHAVIOURS = (
    # Of this code no HTTP status is documented, so the emulator answers 400.
    Bad("throttled (130429)", meta={"refused": {"130429": 0.5}}, shows=("400",)),
    # The app's quota: for a minute, says the emulator, as Meta does.
    Bad("quota used up (4)", meta={"refused": {"4": 0.5}}, shows=("429",)),
    Bad("500", meta={"server_errors": 0.5}, shows=("500",)),
    Bad("no answer after acceptance", meta={"hangs": 0.3, "hang_s": HANG_S}, shows=("none",)),
    Bad("slow", meta={"slow": 0.5, "slow_s": 1.5}, shows=("slow",)),
    Bad("drip", way={"drip": 0.3}),
    Bad("reset after acceptance", meta={"resets": 0.3}, way={"cut": 0.1}, shows=("broken",)),
    Bad("reset before acceptance", way={"drop": 0.3}),
)
TLS = (
    Bad("reset in the handshake", way={"handshake": 0.7, "drop": 0.1}),
    Bad("reset after acceptance", way={"cut": 0.3}),
    Bad("reset before acceptance", way={"drop": 0.3}),
)


def storm(folder: Path, people: int) -> Counts:
    """Every misbehaviour for a tenth of the campaign's time."""
    with Proxy() as proxy:
        return _endure(folder, people, proxy, MISBEHAVIOURS, {"WHATSAPP_API_URL": proxy.url})


def tls(folder: Path, people: int) -> Counts:
    """The same over TLS, whose handshakes break too."""
    context, authority = certificate(folder)
    with Proxy(context) as proxy:
        trusting = {"WHATSAPP_API_URL": proxy.url, "SSL_CERT_FILE": str(authority)}
        return _endure(folder, people, proxy, TLS, trusting)


def _endure(folder: Path, people: int, proxy: Proxy, ways: Sequence[Bad], environment: Mapping[str, str]) -> Counts:
    recovered: dict[str, float] = {}
    # Each way with its recovery has its part of the campaign's time.
    seconds = max(0.9 * people / RATE / len(ways) - WINDOW_S, 0.5)
    idle: tuple[str, ...] = ()
    with staged(folder, people, RATE, environment=environment) as stage:
        proxy.target = stage.fleet.url("emulator")
        stage.launch()
        stage.reach_count(1)
        for bad in ways:
            stage.meta.configure(**(bad.meta or {}))
            proxy.shares = dict(bad.way or {})
            time.sleep(seconds)
            idle += (f"the campaign was over before: {bad.name}",) if stage.accepted >= people else ()
            stage.meta.configure(**WELL)
            proxy.shares = {}
            recovered[bad.name] = _recovery(stage)
        counts = stage.finish()
    # No kind is shown by two ways, and a late answer counts some seconds after its way was over.
    kinds = [(bad.name, kind) for bad in ways for kind in (*bad.shows, *(bad.way or {}))]
    unseen = tuple(f"{name}: no {kind!r} happened" for name, kind in kinds if not proxy.counts[kind])
    slow = tuple(f"after {name}: full rate only {s:.0f} s later" for name, s in recovered.items() if s > RECOVERS_S)
    told = ", ".join(f"{name} {s:.0f} s" for name, s in recovered.items())
    return counts + Counts(
        wrong=unseen,
        late=slow + idle,
        notes=(f"back at nine tenths of the rate after: {told}", str(dict(proxy.counts))),
    )


def _recovery(stage: Stage) -> float:
    """Seconds until nine tenths of the rate are sent again; infinite if nobody saw that before the campaign's end."""
    began = time.monotonic()
    try:
        wait_until(_is_fast(stage), "full rate", RECOVERS_S * 2)
    except TookTooLong:
        return float("inf")
    return max(time.monotonic() - began - WINDOW_S, 0.0)


def _is_fast(stage: Stage) -> Callable[[], bool]:
    seen: list[tuple[float, int]] = []

    def ask() -> bool:
        now, accepted = time.monotonic(), stage.accepted
        seen.append((now, accepted))
        since = [(at, count) for at, count in seen if at >= now - WINDOW_S]
        is_full = now - seen[0][0] >= WINDOW_S and accepted - since[0][1] >= 0.9 * RATE * (now - since[0][0])
        if not is_full and accepted >= stage.people * 0.95:
            # What is left is no measure.
            raise TookTooLong("the campaign was over before the full rate was seen")
        return is_full

    return ask


FAULTS = (
    Fault(
        "api",
        "Meta throttling, failing, hanging, dripping or resetting doubles and loses nothing, and the rate comes back.",
        7_000,
        storm,
    ),
    Fault(
        "tls",
        "connections reset in the TLS handshake or after the request double and lose nothing.",
        3_000,
        tls,
    ),
)
