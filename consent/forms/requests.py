"""Checks what the screens of people's requests about their data send."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from consent.forms.imports import LABELS
from consent.forms.parts import PastDayField, moment_of, refuse
from consent.models import DataRequest
from contacts.models import Contact


def _checks() -> list[tuple[str, Any]]:
    return [("", _("Not checked yet")), *DataRequest.Check.choices]


class RequestForm(forms.Form):
    """What somebody asked for, when, and how we know that it is them."""

    kind = forms.ChoiceField(label=_("What was asked for"), choices=DataRequest.Kind.choices)
    received_on = PastDayField(
        label=_("Received on"),
        help_text=_("The answer is due one month later, whichever way the request came in."),
    )
    checked_by = forms.ChoiceField(label=_("How do you know that it is them?"), choices=_checks, required=False)
    note = forms.CharField(label=_("Remark"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))

    @property
    def received_at(self) -> datetime:
        """The moment that stands for the day."""
        return moment_of(self.cleaned_data["received_on"])


class ReachedForm(forms.Form):
    """The number or address that somebody who is no contact gives."""

    phone = forms.CharField(label=_("Phone number"), required=False, max_length=40)
    email = forms.CharField(label=_("E-mail address"), required=False, max_length=254)

    def refuse(self, error: ValidationError) -> None:
        """Show what the action has refused."""
        refuse(self, error)


class StrangerForm(ReachedForm, RequestForm):
    """A request of somebody who is no contact: known by number or address, or by a name only."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=200,
        help_text=_("As it stands in the letter, with the postal address. Kept encrypted until the answer."),
    )

    @property
    def who(self) -> dict[str, str]:
        """What they gave, by kind."""
        return {kind: self.cleaned_data[kind] for kind in ("phone", "email", "name")}


class IdentityForm(forms.Form):
    """How we know that it is them, and what else matters."""

    checked_by = forms.ChoiceField(label=_("How do you know that it is them?"), choices=_checks, required=False)
    note = forms.CharField(label=_("Remark"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))


class CorrectionForm(forms.Form):
    """The contact's data as they should be; what is left as it is stays untouched."""

    FIELDS = ("first_name", "last_name", "phone", "email", "external_id", "postcode", "country", "language", "birthday")

    def __init__(self, contact: Contact, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.FIELDS:
            value = getattr(contact, name)
            shown = value.isoformat() if name == "birthday" and value else value or ""
            kind = {"type": "date"} if name == "birthday" else {"type": "text"}
            self.fields[name] = forms.CharField(
                label=LABELS[name], required=False, initial=shown, widget=forms.TextInput(attrs=kind)
            )

    @property
    def values(self) -> dict[str, str | None]:
        """What was changed, by field."""
        return {name: self.cleaned_data[name] or None for name in self.changed_data}

    def refuse(self, error: ValidationError) -> None:
        """Show what the action has refused at the fields it names."""
        refuse(self, error)


class ExtensionForm(forms.Form):
    """Why the answer takes longer than a month."""

    because = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class AnswerForm(forms.Form):
    """What the person was told."""

    answer = forms.CharField(
        label=_("What was the person told, and how?"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def refuse(self, error: ValidationError) -> None:
        """Show what the action has refused at the fields it names."""
        refuse(self, error)
