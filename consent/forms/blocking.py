"""Checks what somebody of the team enters to block a number or an address."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from consent.models import BlockReason, Way


class BlockForm(forms.Form):
    """What is blocked, why, and how we learned of it; number and address are checked where they are blocked."""

    phone = forms.CharField(
        label=_("Phone number"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
        help_text=_("With its country code, for example +49 151 23456789."),
    )
    email = forms.CharField(
        label=_("E-mail address"),
        required=False,
        max_length=254,
        widget=forms.TextInput(attrs={"type": "email", "autocomplete": "off"}),
    )
    reason = forms.ChoiceField(label=_("Why?"), choices=BlockReason.choices)
    way = forms.ChoiceField(label=_("How did they say it?"), choices=Way.choices)
    note = forms.CharField(
        label=_("Remark"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For example where the letter is kept. Stored encrypted with the proof."),
    )

    @property
    def said(self) -> dict[str, Any]:
        """What `actions.blocking.block` wants to know."""
        return dict(self.cleaned_data)
