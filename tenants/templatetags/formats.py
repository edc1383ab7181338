"""Numbers, money, dates and phone numbers as people of the active language write them."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import phonenumbers
from babel import Locale, dates, numbers
from django import template
from django.utils import timezone
from django.utils.translation import get_language, get_language_info, pgettext

register = template.Library()
Number = int | float | Decimal
NONE = "–"
NARROW_SPACE = "\u202f"


@register.filter
def number(value: Number | None) -> str:
    """12480 → 12.480; a dash for None."""
    return NONE if value is None else numbers.format_decimal(value, locale=_locale())


@register.filter
def percent(share: Number | None, digits: int = 1) -> str:
    """0.773 → 77,3 % with a narrow no-break space; a dash for None, which is a share of nothing."""
    if share is None:
        return NONE
    pattern = Locale.parse(_locale()).percent_formats[None].pattern.replace("#,##0", f"#,##0.{'0' * digits}")
    return numbers.format_percent(share, format=pattern, locale=_locale()).replace("\u00a0", NARROW_SPACE)


@register.filter
def money(value: Number | None, currency: str = "EUR") -> str:
    """1234.5 → 1.234,50 €; a dash for None."""
    return NONE if value is None else numbers.format_currency(value, currency, locale=_locale())


@register.filter
def price(value: Number | None, currency: str = "EUR") -> str:
    """0.1131 → 0,1131 €, for prices of single messages; a dash for None."""
    if value is None:
        return NONE
    pattern = Locale.parse(_locale()).currency_formats["standard"].pattern.replace("0.00", "0.0000")
    return numbers.format_currency(value, currency, pattern, locale=_locale(), currency_digits=False)


@register.filter
def day(value: date | datetime | None) -> str:
    """21.11.2026, in the tenant's zone; a dash for None."""
    return NONE if value is None else _day(_local(value))


@register.filter
def short_day(value: date | datetime) -> str:
    """21.11., for the axes of charts."""
    return dates.format_date(value, "dd.MM." if _locale() == "de" else "d MMM", locale=_locale())


@register.filter
def moment(value: datetime | None) -> str:
    """21.11.2026 19:05 Uhr, in the tenant's zone; a dash for None."""
    if value is None:
        return NONE
    local = _local(value)
    return pgettext("date and time", "{date} {time}").format(date=_day(local), time=_time(local))


@register.filter
def duration(seconds: Number | None) -> str:
    """90 → 2 Minuten, rounded to the unit people would say; a dash for None."""
    if seconds is None:
        return NONE
    return dates.format_timedelta(timedelta(seconds=max(1, round(seconds))), threshold=1.5, locale=_locale())


@register.filter
def phone(value: str | None) -> str:
    """+493023125000 → +49 30 23125000, as DIN 5008 spaces it."""
    if not value:
        return NONE
    try:
        parsed = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        return value
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return written.replace("-", "")


@register.filter
def language(code: str) -> str:
    """A language by its name: "de" → "German"; what is none stands as it is."""
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code


@register.filter
def css_share(part: Number | None, whole: Number | None) -> str:
    """A part of a whole as CSS writes it, whatever the language: 1, 3 → 33.33%."""
    if not part or not whole:
        return "0%"
    return f"{min(100, 100 * float(part) / float(whole)):.2f}%"


@register.filter
def unlocal(value: Number | None) -> str:
    """A number as attributes and scripts want it, without the language's separators."""
    return str(value or 0)


@register.filter
def share_of(part: Number | None, whole: Number | None) -> float | None:
    """A part of a whole between 0 and 1; None for a share of nothing."""
    return float(part or 0) / float(whole) if whole else None


def _local(value: date | datetime) -> date:
    return timezone.localtime(value) if isinstance(value, datetime) and timezone.is_aware(value) else value


def _day(value: date) -> str:
    pattern = "dd.MM.yyyy" if _locale() == "de" else "d MMM yyyy"
    return dates.format_date(value, pattern, locale=_locale())


def _time(value: date) -> str:
    assert isinstance(value, datetime)
    return pgettext("time of day", "{time}").format(time=f"{value:%H:%M}")


def _locale() -> str:
    return "de" if (get_language() or "de").startswith("de") else "en_GB"


@register.filter
def kpi_value(value: Number | None, unit_and_currency: str) -> str:
    """A KPI as its unit is written: "share", "money:EUR", "factor" or "count"."""
    unit, _colon, currency = unit_and_currency.partition(":")
    if unit == "share":
        return percent(value)
    if unit == "factor":
        return NONE if value is None else numbers.format_decimal(value, format="#,##0.0", locale=_locale())
    return money(value, currency or "EUR") if unit == "money" else number(value)


@register.filter
def change(value: Number | None, unit: str) -> str:
    """How a KPI differs from the period before: points for shares (+1,2 Pkt.), else relative (+12,0 %)."""
    if value is None:
        return ""
    size = Decimal(str(value)).copy_abs()
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    if unit == "share":
        points = numbers.format_decimal(size * 100, format="0.0", locale=_locale())
        return sign + pgettext("percentage points", "{points} pts").format(points=points)
    return sign + percent(size)
