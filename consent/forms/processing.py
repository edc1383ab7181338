"""Checks what the page “Contract and records” sends."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from consent.forms.parts import refuse
from consent.models import Breach


class AgreementForm(forms.Form):
    """Who concludes the contract for the company."""

    signer = forms.CharField(label=_("Your name"), max_length=200)
    position = forms.CharField(
        label=_("Your position"), max_length=200, help_text=_("For example managing director, or authorised signatory.")
    )
    is_entitled = forms.BooleanField(
        label=_("I have read the contract and may conclude it for the company."),
        error_messages={"required": _("Without this the contract is not concluded.")},
    )

    def refuse(self, error: ValidationError) -> None:
        """Show what the action has refused at the fields it names."""
        refuse(self, error)


class BreachForm(forms.ModelForm):
    """What is known of a breach; more can be added as long as it is not closed."""

    class Meta:
        model = Breach
        fields = (
            *("known_at", "what", "data", "people", "began_on", "ended_on", "effects", "measures"),
            *("is_risk", "is_high_risk", "authority_told_at", "people_told_at", "why_not"),
        )
        widgets = {
            **dict.fromkeys(("what", "data", "effects", "measures", "why_not"), forms.Textarea(attrs={"rows": 3})),
            **dict.fromkeys(
                ("known_at", "authority_told_at", "people_told_at"),
                forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            ),
            **dict.fromkeys(("began_on", "ended_on"), forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")),
        }
        help_texts = {
            "known_at": _("The 72 hours begin when you become aware of it."),
            "data": _("For example: names and phone numbers of newsletter subscribers."),
            "is_high_risk": _("Then the people themselves have to be informed as well (Art. 34 GDPR)."),
            "why_not": _("Needed where the authority is not notified, or later than after 72 hours."),
        }

    def refuse(self, error: ValidationError) -> None:
        """Show what the action has refused at the fields it names."""
        refuse(self, error)

    @property
    def values(self) -> dict[str, Any]:
        """What was entered, by field."""
        return dict(self.cleaned_data)
