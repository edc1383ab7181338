"""Checks what the screens send: imports and their columns, requests about data and their steps."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from consent.forms.parts import country_choices, refuse
from contacts.importing import layout
from contacts.importing import mapping as mappings
from contacts.models import Import
from tenants.models import Tenant

PERSON = (
    ("phone", _("Phone number")),
    ("email", _("E-mail")),
    ("external_id", _("Customer number")),
    ("bsuid", _("WhatsApp user id (BSUID)")),
    ("first_name", _("First name")),
    ("last_name", _("Last name")),
    ("name", _("First and last name in one")),
    ("language", _("Language")),
    ("country", _("Country")),
    ("postcode", _("Postcode")),
    ("birthday", _("Birthday")),
)
CONSENT = (
    ("consent.whatsapp", _("Consent: yes or no")),
    ("consent.at", _("Consent: when")),
    ("consent.source", _("Consent: source")),
    ("consent.wording", _("Consent: wording")),
    ("consent.proof", _("Consent: proof")),
    ("consent.age", _("Consent: at least 16 years old")),
    ("optout", _("Opt-out")),
)
SORTING = (("tags", _("Tags")), (mappings.ATTRIBUTE, _("Attribute of your own")))
TARGETS = (
    (mappings.IGNORED, _("Do not import")),
    (_("Person"), PERSON),
    (_("Consent"), CONSENT),
    (_("To sort by"), SORTING),
)
LABELS = dict((*PERSON, *CONSENT, *SORTING))
ENCODINGS = {
    "utf-8": "UTF-8",
    "cp1252": "Windows-1252 (Excel)",
    "iso8859-15": "ISO 8859-15",
    "cp850": "DOS (850)",
    "mac-roman": "Mac Roman",
}
DELIMITERS = {";": _("Semicolon"), ",": _("Comma"), "\t": _("Tab"), "|": _("Vertical bar")}
# How the action calls what this form calls otherwise.
OTHER_NAMES = {"name": "new_list", "default_country": "country"}


class UploadForm(forms.Form):
    """A file of contacts, with what holds for all of them."""

    # Sent along, so that a form that is sent twice starts one import.
    uid = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    file = forms.FileField(
        label=_("File"),
        # The action says more about an empty file than this field would.
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        help_text=_("CSV up to 200 MB or XLSX up to 50 MB, with the names of the columns in the first line."),
        error_messages={
            "required": _("Please choose a file."),
            "invalid": _("The file did not arrive. Please choose it again."),
        },
    )

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"] = _country_field(tenant.country)
        lists = tenant.lists.order_by("name")
        self.fields["list"] = forms.ModelChoiceField(
            lists,
            to_field_name="uid",
            required=False,
            label=_("Put the contacts on a list"),
            empty_label=_("On no list"),
        )
        self.fields["new_list"] = forms.CharField(
            required=False,
            max_length=100,
            label=_("Or on a new list") if lists else _("Put the contacts on a new list"),
            help_text=_("A campaign goes to lists: with one of their own, exactly these contacts can be written to."),
        )
        self.fields["tags"] = forms.CharField(
            required=False, label=_("Tags"), help_text=_("Separated by commas; every contact of the file gets them.")
        )

    def clean_tags(self) -> list[str]:
        """The names between the commas."""
        return [name for part in self.cleaned_data["tags"].split(",") if (name := part.strip())]

    def clean(self) -> dict[str, Any]:
        """Refuses two lists at once, because one of them would be forgotten."""
        if self.cleaned_data.get("list") and self.cleaned_data.get("new_list"):
            self.add_error("new_list", _("Choose a list above or name a new one, not both."))
        return self.cleaned_data

    def refuse(self, error: ValidationError) -> None:
        """Show what the action has refused at the fields it names."""
        refuse(self, error, OTHER_NAMES)


class ColumnsForm(forms.Form):
    """What each column of an uploaded file becomes, and how the file is written."""

    mapping: dict[str, str]

    def __init__(self, imported: Import, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.imported = imported
        self.fields["country"] = _country_field(imported.default_country)
        if not self.is_spreadsheet:
            self.fields["encoding"] = _choice(_("Encoding"), _encodings(), imported.encoding)
            self.fields["delimiter"] = _choice(_("Delimiter"), DELIMITERS, imported.delimiter)
        for at, header in enumerate(imported.headers):
            self._add_column(at, header, imported.mapping.get(header, mappings.IGNORED))

    @property
    def is_spreadsheet(self) -> bool:
        """A spreadsheet was converted on its way in: there is nothing to guess about how it is written."""
        return self.imported.filename.lower().endswith(".xlsx")

    @property
    def is_read_anew(self) -> bool:
        """Whether another encoding or delimiter was chosen, under which the columns may be others."""
        return bool({"encoding", "delimiter"} & set(self.changed_data))

    @property
    def written(self) -> dict[str, Any]:
        """Encoding, delimiter and default country as the action takes them."""
        chosen = {name: self.cleaned_data.get(name, "") for name in ("encoding", "delimiter")}
        return chosen | {"default_country": self.cleaned_data["country"]}

    def columns(self) -> Iterator[tuple[str, forms.BoundField, forms.BoundField]]:
        """Each header with its target and the name of its attribute."""
        for at, header in enumerate(self.imported.headers):
            yield header, self[f"target_{at}"], self[f"key_{at}"]

    def clean(self) -> dict[str, Any]:
        """Refuses one target for two columns, and a file that names nobody, unless the columns are about to change."""
        self.mapping = {}
        for at, header in enumerate(self.imported.headers):
            target = self._target(at, header)
            if target and target != "tags" and target in self.mapping.values() and not self.is_read_anew:
                label = LABELS.get(target) or target.removeprefix(mappings.ATTRIBUTE)
                message = _("Only one column can be assigned to “%(target)s”.") % {"target": label}
                self.add_error(f"target_{at}", message)
            self.mapping[header] = target
        if not self.errors and not self.is_read_anew and not mappings.names_people(self.mapping):
            self.add_error(None, mappings.no_identity())
        return self.cleaned_data

    def refuse(self, error: ValidationError) -> None:
        """Show what the action has refused."""
        refuse(self, error, OTHER_NAMES)

    def _add_column(self, at: int, header: str, target: str) -> None:
        is_own = target.startswith(mappings.ATTRIBUTE)
        self.fields[f"target_{at}"] = forms.ChoiceField(
            choices=TARGETS,
            required=False,
            initial=mappings.ATTRIBUTE if is_own else target,
            widget=forms.Select(
                attrs={"aria-label": _("“%(header)s” becomes") % {"header": header}, "data-choice": True}
            ),
        )
        self.fields[f"key_{at}"] = forms.CharField(
            required=False,
            max_length=60,
            initial=target.removeprefix(mappings.ATTRIBUTE) if is_own else "",
            widget=forms.TextInput(
                attrs={
                    "aria-label": _("Name of the attribute for “%(header)s”") % {"header": header},
                    "placeholder": mappings.attribute_key(header) or _("name of the attribute"),
                }
            ),
        )

    def _target(self, at: int, header: str) -> str:
        chosen: str = self.cleaned_data.get(f"target_{at}", "")
        if chosen != mappings.ATTRIBUTE:
            return chosen
        named = mappings.attribute_key(self.cleaned_data.get(f"key_{at}", ""))
        return chosen + (named or mappings.attribute_key(header) or f"column_{at + 1}")


def _country_field(initial: str) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("Country of numbers without country code"),
        choices=country_choices,
        initial=initial,
    )


def _encodings() -> dict[str, str]:
    return {name: ENCODINGS.get(name, name) for name in layout.ENCODINGS}


def _choice(label: Any, known: Mapping[str, Any], initial: str) -> forms.ChoiceField:
    """A choice that also offers what was detected, however rare it is."""
    return forms.ChoiceField(label=label, choices=[*({initial: initial} | dict(known)).items()], initial=initial)
