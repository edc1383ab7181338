"""What several forms need: countries by name, days of the past, and an action's refusal put at its fields."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

import phonenumbers
from babel import Locale
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _


def countries() -> dict[str, str]:
    """Every country that has phone numbers, named in the active language."""
    names = Locale((get_language() or "de")[:2]).territories
    return {code: names[code] for code in phonenumbers.SUPPORTED_REGIONS if code in names}


def country_choices() -> list[tuple[str, Any]]:
    """The same for a choice, in the order of their names."""
    return sorted(countries().items(), key=lambda pair: pair[1].casefold())


class PastDayField(forms.DateField):
    """A day that is not in the future; today by default."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(**{"initial": timezone.localdate, "widget": widget, **kwargs})

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and value > timezone.localdate():
            raise ValidationError(_("This lies in the future. Enter an earlier time."))


def moment_of(day: date, at: time = time(12)) -> datetime:
    """The moment that stands for a day: now for today, else this time of it, noon by default."""
    return timezone.now() if day == timezone.localdate() else timezone.make_aware(datetime.combine(day, at))


def refuse(form: forms.BaseForm, error: ValidationError, other_names: Mapping[str, str] | None = None) -> None:
    """Put the messages of an action's ValidationError at the fields they are about, by the form's names for them."""
    for name, messages in error.message_dict.items():
        field = (other_names or {}).get(name, name)
        for message in messages:
            form.add_error(field if field in form.fields else None, message)
