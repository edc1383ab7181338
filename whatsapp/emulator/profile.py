"""How the emulated people and Meta behave: shares, delays, limits and faults, as plain data."""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Profile:
    """One behaviour; every field can be given by name, over HTTP as JSON, or in a file.

    Shares lie between 0 and 1. `delivered` is a share of all accepted messages that do not fail, `read` of
    the delivered, what a person does (click, tap, reply, opt out, stop, block) of the read, `ordered` of
    clickers. Who blocked the number gets nothing more: later messages stay `sent`.
    Fates depend on `seed`, recipient and callback data, never on the order of calls.
    `refused` gives codes of sends with their shares, `calls_refused` one code for every other call (0: none).
    Delays are simulated seconds, divided by `speed` (60: a minute takes a second; 0: no delay at all).
    `daily_people` is for every portfolio, whatever its tier; 0 leaves it to the tier of the number.
    """

    seed: int = 1
    speed: float = 60.0

    delivered: float = 0.95
    read: float = 0.75
    clicked: float = 0.15
    tapped: float = 0.03
    replied: float = 0.04
    opted_out: float = 0.01
    stopped: float = 0.005
    blocked: float = 0.002
    ordered: float = 0.25
    replies: tuple[str, ...] = ("Danke", "Wann habt ihr geöffnet?", "Gibt es das auch in Blau?", "👍")
    opt_out_text: str = "STOPP"
    failures: dict[str, float] = field(default_factory=lambda: {"131026": 0.02, "130472": 0.002})
    link: str = ""
    link_origin: str = ""

    sent_after_s: tuple[float, float] = (0.3, 2.0)
    delivered_after_s: tuple[float, float] = (1.0, 60.0)
    read_after_s: tuple[float, float] = (20.0, 3600.0)
    acted_after_s: tuple[float, float] = (5.0, 300.0)
    held_for_s: tuple[float, float] = (600.0, 1800.0)
    reviewed_after_s: float = 60.0

    refused: dict[str, float] = field(default_factory=dict)
    calls_refused: int = 0
    server_errors: float = 0.0
    hangs: float = 0.0
    resets: float = 0.0
    slow: float = 0.0
    slow_s: float = 5.0
    hang_s: float = 60.0
    latency_s: float = 0.0
    held: float = 0.0
    held_fails: float = 0.0
    rejected_templates: float = 0.0

    throughput_per_s: float = 80.0
    pair_limit: bool = True
    pair_burst: int = 45
    daily_people: int = 0
    daily_code: int = 131048
    window_enforced: bool = True
    templates_must_exist: bool = False
    magic: bool = True
    tokens: tuple[str, ...] = ()

    batch_size: int = 1000
    batch_wait_s: float = 0.05
    posts_in_flight: int = 4
    duplicates: float = 0.0
    shuffled: bool = False
    retry_base_s: float = 0.5
    retry_limit: int = 12

    @classmethod
    def perfect(cls, **changes: Any) -> "Profile":
        """Everything is delivered and read at once, nobody acts, no limit applies: for tests and load."""
        base = cls(
            speed=0,
            delivered=1,
            read=1,
            clicked=0,
            tapped=0,
            replied=0,
            opted_out=0,
            stopped=0,
            blocked=0,
            failures={},
            throughput_per_s=0,
            pair_limit=False,
            window_enforced=False,
        )
        return base.changed(changes)

    def changed(self, changes: dict[str, Any]) -> "Profile":
        """A copy with other values, as they come from JSON. Raises `ValueError` naming an unknown field."""
        known = {item.name: getattr(self, item.name) for item in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"the profile has no field {name!r}")
            _check_kind(name, known[name], value)
        tidy: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()
        }
        return replace(self, **tidy)

    def as_json(self) -> dict[str, Any]:
        """The profile as a JSON-able dict."""
        return asdict(self)


def _check_kind(name: str, old: Any, new: Any) -> None:
    kinds: tuple[type, ...] = (list, tuple) if isinstance(old, tuple) else (type(old),)
    if isinstance(old, bool) != isinstance(new, bool):
        raise ValueError(f"the profile's field {name!r} has the wrong kind of value")
    if isinstance(old, int | float):
        kinds = (int, float)
    if not isinstance(new, kinds):
        raise ValueError(f"the profile's field {name!r} has the wrong kind of value")
