"""Prints what the demo found, as German tables."""

from collections.abc import Sequence

from babel.numbers import format_currency, format_decimal, format_percent

from analytics.kpi import Kpi
from analytics.queries.campaign import Report
from config.demo.checking import Invariant
from contacts.models import Import

LOCALE = "de_DE"
LINE = "─" * 74


def number(value: int) -> str:
    return format_decimal(value, locale=LOCALE)


def imports(rows: Sequence[Import]) -> str:
    """One line per file: what came of it."""
    lines = [f"{'Datei':28}{'Zeilen':>8}{'neu':>8}{'geändert':>10}{'gleich':>8}{'abgelehnt':>11}"]
    for row in rows:
        lines.append(
            f"{row.filename[:27]:28}{number(row.rows_total):>8}{number(row.created):>8}{number(row.updated):>10}"
            f"{number(row.unchanged):>8}{number(row.rejected):>11}"
        )
        if row.reasons:
            lines.append(
                "    abgelehnt: " + ", ".join(f"{code} {count}" for code, count in sorted(row.reasons.items()))
            )
        if row.consent_counts:
            counts = ", ".join(f"{code} {count}" for code, count in sorted(row.consent_counts.items()))
            lines.append("    Einwilligungen: " + counts)
    return "\n".join(lines)


def report(found: Report) -> str:
    """The waterfall, the states and the KPI table of one campaign."""
    parts = [LINE, f"{found.campaign.name} · {found.campaign.tenant.name}", LINE, _waterfall(found), ""]
    parts += [_states(found), "", _kpis(found), "", _failures(found)]
    return "\n".join(parts)


def _waterfall(found: Report) -> str:
    reachable = found.audience - sum(row.messages for row in found.exclusions)
    lines = [f"  {'Zielgruppe':44}{number(found.audience):>10}"]
    lines += [f"  − {row.label[:42]:42}{number(row.messages):>10}" for row in found.exclusions]
    return "\n".join([*lines, f"  {'= angeschrieben':44}{number(reachable):>10}"])


def _states(found: Report) -> str:
    shown = [f"{name} {number(count)}" for name, count in found.states.items() if count]
    return "  Zustände: " + " · ".join(shown)


def _kpis(found: Report) -> str:
    return "\n".join(
        f"  {str(kpi.definition.name)[:44]:44}{_value(kpi, found.currency):>14}" for kpi in found.kpis.values()
    )


def _value(kpi: Kpi, currency: str) -> str:
    if kpi.value is None:
        return "n/a"
    match kpi.definition.unit:
        case "share":
            return format_percent(kpi.value, "#,##0.0 %", locale=LOCALE)
        case "money":
            return format_currency(kpi.value, currency, locale=LOCALE)
        case "factor":
            return format_decimal(kpi.value, "#,##0.0", locale=LOCALE)
    return number(int(kpi.value))


def _failures(found: Report) -> str:
    lines = [
        f"  {row.error_code or row.reason!s:>8}  {number(row.messages):>6}  {row.meaning}" for row in found.failures[:8]
    ]
    return "\n".join(["  Nicht zugestellt:", *lines]) if lines else "  Alles zugestellt."


def invariants(rows: Sequence[Invariant]) -> str:
    """One line per promise."""
    return "\n".join(f"  {'✓' if row.holds else '✗'} {row.promise:44} {row.detail}" for row in rows)
