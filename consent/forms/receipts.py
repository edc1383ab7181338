"""Checks the receipt that somebody wants to have verified."""

from typing import Any

import orjson
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


class ReceiptForm(forms.Form):
    """A receipt of consent to be checked, as the file that was handed out."""

    largest = 1024 * 1024
    document: Any

    file = forms.FileField(
        label=_("The receipt's JSON file"),
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
        error_messages={"required": _("Please choose a file.")},
    )

    def clean_file(self) -> Any:
        """Reads what is in the file."""
        file = self.cleaned_data["file"]
        if file.size > self.largest:
            raise ValidationError(_("This file is larger than any receipt."))
        try:
            self.document = orjson.loads(file.read())
        except orjson.JSONDecodeError:
            raise ValidationError(_("This is not JSON. Please choose the receipt's JSON file, not its PDF.")) from None
        return file
