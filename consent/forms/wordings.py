"""Checks what the editor of consent texts sends; an unfinished draft is no error, the linter speaks about that."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from consent.forms.parts import refuse
from consent.linting import Draft, Pair
from consent.models import Channel, Controller, Purpose, WordingVersion

CHANNELS = [(value, label) for value, label in Channel.choices if value != Channel.ALL]
PURPOSES = [(value, label) for value, label in Purpose.choices if value != Purpose.ALL]
LONGEST = 4000


@dataclass(frozen=True)
class Box:
    """One checkbox of the grid channel × purpose."""

    value: str
    channel: Any
    purpose: Any
    is_checked: bool


class WordingForm(forms.Form):
    """A draft: its name, the text in German and English, what it is a yes to, and the version of the notice."""

    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("For you; the people who agree do not see it."))
    text_de = forms.CharField(
        label=_("Text in German"),
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 6, "lang": "de", "class": "grows"}),
    )
    text_en = forms.CharField(
        label=_("Text in English"),
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 6, "lang": "en", "class": "grows"}),
    )
    covers = forms.MultipleChoiceField(
        required=False,
        choices=lambda: [(f"{channel}:{purpose}", "") for channel, _c in CHANNELS for purpose, _p in PURPOSES],
    )
    policy_version = forms.CharField(
        label=_("Version of the privacy notice"),
        required=False,
        max_length=40,
        help_text=_("For example its date. It is kept with each consent."),
    )
    policy_sha256 = forms.RegexField(
        r"^\s*[0-9a-fA-F]{64}\s*$",
        label=_("SHA-256 of the privacy notice"),
        required=False,
        help_text=_(
            "For a notice that you keep as a file: 64 digits and letters, as a checksum program shows them. We do not"
            " open your page, so receipts name the version as you enter it here."
        ),
        error_messages={"invalid": _("A SHA-256 has 64 digits and letters from a to f. Leave it empty without one.")},
    )

    @classmethod
    def of(cls, version: WordingVersion) -> "WordingForm":
        """The form of a stored draft."""
        return cls(
            initial={
                "name": version.wording.name,
                "text_de": version.texts.get("de", ""),
                "text_en": version.texts.get("en", ""),
                "covers": [":".join(pair) for pair in version.covers],
                "policy_version": version.policy_version,
                "policy_sha256": version.policy_sha256,
            }
        )

    @property
    def texts(self) -> dict[str, str]:
        """What is entered, by language, also while something else is wrong."""
        return {language: str(self[f"text_{language}"].value() or "") for language in ("de", "en")}

    @property
    def pairs(self) -> list[Pair]:
        """The ticked pairs of channel and purpose; what is none of ours is dropped."""
        ticked = set(self["covers"].value() or [])
        known = [(channel, purpose) for channel, _c in CHANNELS for purpose, _p in PURPOSES]
        return [pair for pair in known if ":".join(pair) in ticked]

    @property
    def values(self) -> dict[str, Any]:
        """What the actions take, once the form is valid."""
        return {
            "name": self.cleaned_data["name"],
            "texts": self.texts,
            "covers": self.pairs,
            "policy_version": self.cleaned_data["policy_version"],
            "policy_sha256": self.cleaned_data["policy_sha256"].lower(),
        }

    def draft(self, company: Controller) -> Draft:
        """What is entered as the linter reads it."""
        return Draft(self.texts, self.pairs, company.legal_name, company.privacy_url)

    def grid(self) -> list[tuple[Any, list[Box]]]:
        """The checkboxes, a row for each purpose, a column for each channel."""
        ticked = set(self.pairs)
        return [
            (
                label,
                [Box(f"{channel}:{purpose}", name, label, (channel, purpose) in ticked) for channel, name in CHANNELS],
            )
            for purpose, label in PURPOSES
        ]

    def channels(self) -> list[Any]:
        """The heads of the grid's columns."""
        return [label for _value, label in CHANNELS]

    def refuse(self, error: ValidationError) -> None:
        """Show what the action has refused."""
        refuse(self, error)


class InvalidForm(forms.Form):
    """Why a version is declared invalid."""

    reason = forms.CharField(
        label=_("Why it is invalid"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For whoever has to explain it later to your team, an authority or a court."),
        error_messages={"required": _("Say why: somebody may have to explain it later.")},
    )
