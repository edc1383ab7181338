"""What several forms need: countries by name, and an action's refusal put at its fields."""

from collections.abc import Mapping
from typing import Any

import phonenumbers
from babel import Locale
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language


def countries() -> dict[str, str]:
    """Every country that has phone numbers, named in the active language."""
    names = Locale((get_language() or "de")[:2]).territories
    return {code: names[code] for code in phonenumbers.SUPPORTED_REGIONS if code in names}


def country_choices() -> list[tuple[str, Any]]:
    """The same for a choice, in the order of their names."""
    return sorted(countries().items(), key=lambda pair: pair[1].casefold())


def refuse(form: forms.Form, error: ValidationError, other_names: Mapping[str, str] | None = None) -> None:
    """Put the messages of an action's ValidationError at the fields they are about, by the form's names for them."""
    for name, messages in error.message_dict.items():
        field = (other_names or {}).get(name, name)
        for message in messages:
            form.add_error(field if field in form.fields else None, message)
