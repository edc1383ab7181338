"""Checks what marketers enter about a list that may be a topic."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from consent.forms.parts import refuse
from contacts.models import ContactList


class TopicForm(forms.Form):
    """A list's name for the team, and how people read it where it is a topic."""

    name = forms.CharField(label=_("Name of the list"), max_length=100, help_text=_("For you; people do not see it."))
    is_topic = forms.BooleanField(
        label=_("People may join and leave it themselves"),
        required=False,
        help_text=_("On their own page, and on sign-up pages whose form offers topics. It is never a consent."),
    )
    title_de = forms.CharField(
        label=_("Title in German"), max_length=60, required=False, help_text=_("What people read, such as “Neuheiten”.")
    )
    title_en = forms.CharField(
        label=_("Title in English"),
        max_length=60,
        required=False,
        help_text=_("Without it people who read English see the German one."),
    )

    NAMES = ("name", "is_topic", "title_de", "title_en")

    @classmethod
    def of(cls, group: ContactList, data: Any = None) -> "TopicForm":
        """The form of a stored list."""
        return cls(data, initial={name: getattr(group, name) for name in cls.NAMES})

    def refuse(self, error: ValidationError) -> None:
        """Show what the action has refused."""
        refuse(self, error)
