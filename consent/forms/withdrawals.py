"""Checks what somebody of the team enters when a person has said no outside of WhatsApp."""

from datetime import time
from typing import Any
from uuid import uuid4

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

from consent.forms.parts import PastDayField, moment_of
from consent.models import Way


class Scope(models.TextChoices):
    """What the person does not want any more."""

    WHATSAPP = "whatsapp", _("Advertising on WhatsApp")
    ALL = "all", _("Any advertising, on all channels")
    OBJECTION = "objection", _("Objection to advertising and profiling (Art. 21 GDPR)")


class WithdrawalForm(forms.Form):
    """What the person does not want any more, how they said it, and when."""

    # Sent twice, it is recorded once.
    uid = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)
    scope = forms.ChoiceField(
        label=_("What does the person not want any more?"),
        choices=Scope.choices,
        initial=Scope.WHATSAPP,
    )
    way = forms.ChoiceField(label=_("How did they say it?"), choices=Way.choices)
    said_on = PastDayField(label=_("On which day?"))
    note = forms.CharField(
        label=_("Remark"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For example the words themselves, or where the letter is kept. Stored encrypted with the proof."),
    )

    @property
    def said(self) -> dict[str, Any]:
        """What `actions.withdrawals.record` wants to know."""
        given = self.cleaned_data
        return {
            "key": str(given["uid"]),
            "scope": given["scope"],
            # Its end: a yes earlier on the day must not outlast the no.
            "occurred_at": moment_of(given["said_on"], time.max),
            "evidence": {"way": given["way"], **({"note": given["note"]} if given["note"] else {})},
        }
