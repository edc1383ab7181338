"""Prometheus' text format: the few lines of it that gauges and counters need."""

from collections.abc import Mapping
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Metric:
    """One metric and its samples by label value; label values come from our own code only."""

    name: str
    kind: str
    about: str
    samples: Mapping[str, float]
    label: str


def gauge(name: str, about: str, value: float | Mapping[str, float], *, by: str = "") -> Metric:
    """What goes up and down; with `by`, several values under that label."""
    return Metric(f"zusage_{name}", "gauge", about, value if isinstance(value, Mapping) else {"": value}, by)


def counter(name: str, about: str, value: float | Mapping[str, float], *, by: str = "") -> Metric:
    """What only grows, or starts anew."""
    return Metric(f"zusage_{name}_total", "counter", about, value if isinstance(value, Mapping) else {"": value}, by)


def text(metrics: list[Metric]) -> str:
    """The page that a scraper reads."""
    lines = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.about}", f"# TYPE {metric.name} {metric.kind}"]
        for value, number in sorted(metric.samples.items()):
            labels = f'{{{metric.label}="{value}"}}' if metric.label else ""
            lines.append(f"{metric.name}{labels} {_written(number)}")
    return "\n".join(lines) + "\n"


def _written(number: float) -> str:
    return "+Inf" if number == float("inf") else f"{number:.15g}"
