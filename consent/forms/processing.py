"""Checks what the page “Contract and records” sends."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from consent.forms.parts import PastDayField, country_choices, refuse
from consent.models import Breach


class AgreementForm(forms.Form):
    """Who concludes the contract for the company, and which text they have read: its SHA-256."""

    shown = forms.CharField(required=False, widget=forms.HiddenInput)
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

    def show(self, sha256: str) -> None:
        """What is sent next is about this text; where another one was read, the tick is taken back."""
        if self.is_bound and self.data.get("shown") != sha256:
            self.data = {name: value for name, value in self.data.items() if name != "is_entitled"} | {"shown": sha256}
        self.initial["shown"] = sha256


class BreachForm(forms.ModelForm):
    """What is known of a breach; more can be added as long as it is not closed."""

    # Which state was changed; see consent.actions.breaches.change.
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["version"] = self.instance.version

    def refuse(self, error: ValidationError, version: int) -> None:
        """Show what the action has refused at the fields it names; what is sent next changes the state shown now."""
        self.data = {**self.data, "version": version}
        refuse(self, error)

    @property
    def values(self) -> dict[str, Any]:
        """What was entered, by field."""
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class ProcessorForm(forms.Form):
    """Somebody who processes data for the company under a contract of its own."""

    NAMES = ("name", "purpose", "country", "contract_on", "note", "ended_on")

    name = forms.CharField(label=_("Company"), max_length=200)
    purpose = forms.CharField(
        label=_("What for"), max_length=300, help_text=_("For example: runs our shop, prints our customer letters.")
    )
    country = forms.ChoiceField(label=_("Country"), choices=country_choices)
    contract_on = PastDayField(
        label=_("Contract (Art. 28 GDPR) of"),
        required=False,
        initial=None,
        help_text=_("Empty as long as there is none: then the list reminds you of it."),
    )
    note = forms.CharField(
        label=_("Link or remark"), max_length=500, required=False, help_text=_("Where the contract lies.")
    )
    ended_on = forms.DateField(
        label=_("Until"),
        required=False,
        help_text=_("The last day on which they work for you; empty while they do."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def refuse(self, error: ValidationError) -> None:
        """Show what the action has refused at the fields it names."""
        refuse(self, error)
