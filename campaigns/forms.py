"""Checks what the campaign wizard sends: name, audience, content and time."""

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from consent.models import Purpose
from messaging.rendering import OWN_PAGE, TemplateText, Variables, variables_in
from tenants.models import Tenant
from whatsapp.models import Template

MEDIA_KINDS = ("image", "video", "document")
OPT_OUT = "optout:campaign"
SOURCES = (
    ("first_name", _("First name")),
    ("last_name", _("Last name")),
    ("postcode", _("Postcode")),
    ("birthday", _("Birthday")),
    ("external_id", _("Customer number")),
    (OWN_PAGE, _("Link to the person's own page: what they agreed to, and its end")),
)
# Django's own German wording says "du".
NO_ADDRESS = _("Please enter a complete address that begins with https://.")
FIXED_TEXT = ("text", _("The same text for everybody"))


class NameForm(forms.Form):
    """What the campaign is called, what it is for, and which number sends it."""

    name = forms.CharField(
        label=_("Name of the campaign"), max_length=200, help_text=_("Only your team sees it, in lists and reports.")
    )
    purpose = forms.ChoiceField(
        label=_("Purpose"),
        choices=Campaign.PURPOSES,
        initial=Purpose.MARKETING,
        help_text=_("Whoever has not agreed to exactly this is left out and counted."),
    )

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autofocus"] = True
        numbers = tenant.numbers.order_by("id")
        first = numbers.first()
        self.fields["number"] = forms.ModelChoiceField(
            numbers,
            to_field_name="uid",
            label=_("Sending number"),
            required=first is not None,
            empty_label=None if first else _("No number connected yet"),
            initial=first.uid if first else None,
        )


class AudienceForm(forms.Form):
    """Who gets the campaign: lists and segments that are included, and those that are left out."""

    def __init__(self, campaign: Campaign, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = list(campaign.audiences.select_related("list", "segment"))
        for side, is_excluded in (("include", False), ("exclude", True)):
            for kind, rows in (("lists", campaign.tenant.lists), ("segments", campaign.tenant.segments)):
                self.fields[f"{side}_{kind}"] = forms.ModelMultipleChoiceField(
                    rows.order_by("name"),
                    to_field_name="uid",
                    required=False,
                    widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
                    initial=[
                        getattr(audience, kind[:-1]).uid
                        for audience in chosen
                        if audience.is_excluded == is_excluded and getattr(audience, kind[:-1])
                    ],
                )

    def clean(self) -> dict[str, Any]:
        """Refuses what is included and left out at once."""
        for kind in ("lists", "segments"):
            both = set(self.cleaned_data.get(f"include_{kind}", [])) & set(self.cleaned_data.get(f"exclude_{kind}", []))
            for row in both:
                told = _("“%(name)s” is included and left out at once. Remove it on one side.")
                self.add_error(f"exclude_{kind}", told % {"name": row.name})
        return self.cleaned_data


class TemplateForm(forms.Form):
    """Which approved template the campaign sends."""

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["template"] = forms.ModelChoiceField(
            tenant.templates.filter(status=Template.Status.APPROVED),
            to_field_name="uid",
            error_messages={
                "invalid_choice": _("This template is not approved (any more). Please choose another one.")
            },
        )


class ContentForm(forms.Form):
    """Fills one template: where each variable comes from, header file and button addresses.

    With `is_draft` unfinished entries are accepted, so that nothing is lost while somebody is typing.
    """

    def __init__(
        self,
        template: Template,
        *args: Any,
        variables: Variables,
        attributes: list[str],
        is_draft: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.text = TemplateText(template.name, template.language, template.components)
        self.sources = [
            *SOURCES,
            *((f"attribute:{key}", _("Attribute “%(key)s”") % {"key": key}) for key in attributes),
            FIXED_TEXT,
        ]
        self.is_draft = is_draft
        self.header = self.text.part("HEADER") or {}
        self._add_header(variables.get("header") or {})
        self._add_body(variables.get("body") or [])
        self._add_buttons(variables.get("buttons") or [])

    def values(self) -> list[dict[str, Any]]:
        """The variables as the page shows them: name, the three fields, and where they stand in the message."""
        return [
            {"name": name, "key": key, "fields": [self[f"{key}_{part}"] for part in ("from", "text", "fallback")]}
            for key, name in self._value_keys()
        ]

    def others(self) -> list[forms.BoundField]:
        """Header file and buttons."""
        keys = {key for key, _name in self._value_keys()}
        return [field for field in self if field.name.rsplit("_", 1)[0] not in keys]

    def clean(self) -> dict[str, Any]:
        """A variable needs a text, or a source with a fallback so that nobody reads “Hallo {{1}}”."""
        for key, _name in self._value_keys():
            source = self.cleaned_data.get(f"{key}_from")
            if source == OWN_PAGE:
                continue
            needed = "text" if source == "text" else "fallback"
            if not self.cleaned_data.get(f"{key}_{needed}") and not self.is_draft:
                self.add_error(f"{key}_{needed}", self._missing(needed))
        return self.cleaned_data

    def variables(self) -> dict[str, Any]:
        """What was entered, in the shape of messaging.rendering."""
        found: dict[str, Any] = {
            "body": [self._value(f"body_{name}", name) for name in variables_in(self.text.body)],
            "buttons": [button for button in map(self._button, range(len(self.text.buttons))) if button],
        }
        if header := self._header():
            found["header"] = header
        return found

    def _value_keys(self) -> list[tuple[str, str]]:
        header = variables_in(str(self.header.get("text", "")))
        codes = [i for i, button in enumerate(self.text.buttons) if _kind(button) == "copy_code"]
        return (
            [("header", name) for name in header]
            + [(f"body_{name}", name) for name in variables_in(self.text.body)]
            + [(f"code_{index}", str(self.text.buttons[index].get("text", ""))) for index in codes]
        )

    def _add_header(self, chosen: Variables) -> None:
        kind = str(self.header.get("format", "")).lower()
        if kind in MEDIA_KINDS:
            self.fields["header_link"] = forms.URLField(
                label={"image": _("Image"), "video": _("Video"), "document": _("Document")}[kind],
                help_text=_("Public https address of the file; Meta fetches it from there."),
                initial=chosen.get("link", ""),
                required=not self.is_draft,
                assume_scheme="https",
                validators=[RegexValidator(r"^https://")],
                error_messages={"invalid": NO_ADDRESS},
            )
        elif variables_in(str(self.header.get("text", ""))):
            self._add_value("header", chosen.get("value") or {})

    def _add_body(self, chosen: list[Variables]) -> None:
        by_name = {str(value.get("name")): value for value in chosen}
        for name in variables_in(self.text.body):
            self._add_value(f"body_{name}", by_name.get(name, {"from": name}))

    def _add_buttons(self, chosen: list[Variables]) -> None:
        by_index = {int(button["index"]): button for button in chosen}
        for index, button in enumerate(self.text.buttons):
            given, label = by_index.get(index, {}), str(button.get("text", ""))
            if _kind(button) == "url" and variables_in(str(button.get("url", ""))):
                self._add_address(index, button, given, label)
            elif _kind(button) == "quick_reply":
                self.fields[f"button_{index}_payload"] = forms.ChoiceField(
                    label=_("What the button “%(text)s” does") % {"text": label},
                    choices=[("reply", _("Counts as a reply")), (OPT_OUT, _("Unsubscribes from campaigns"))],
                    initial=given.get("payload") or _guess(label),
                )
            elif _kind(button) == "copy_code":
                self._add_value(f"code_{index}", given.get("value") or {"from": "text"})

    def _add_address(self, index: int, button: Variables, given: Variables, label: str) -> None:
        is_tracked = "/r/{{" in str(button.get("url", ""))
        common = {"initial": given.get("url", ""), "required": not self.is_draft}
        if is_tracked:
            self.fields[f"button_{index}_url"] = forms.URLField(
                label=_("Destination of the button “%(text)s”") % {"text": label},
                help_text=_("Clicks are counted: the message carries a short link that leads here."),
                assume_scheme="https",
                max_length=2000,
                error_messages={"invalid": NO_ADDRESS},
                **common,
            )
        else:
            self.fields[f"button_{index}_url"] = forms.CharField(
                label=_("End of the address behind “%(text)s”") % {"text": label},
                help_text=_("The address is %(url)s. Clicks on it cannot be counted.") % {"url": button.get("url", "")},
                max_length=2000,
                **common,
            )

    def _add_value(self, key: str, chosen: Variables) -> None:
        known = dict(self.sources)
        source = chosen.get("from") if chosen.get("from") in known else "text" if chosen.get("text") else "first_name"
        self.fields[f"{key}_from"] = forms.ChoiceField(label=_("Value"), choices=self.sources, initial=source)
        self.fields[f"{key}_from"].widget.attrs["data-choice"] = True
        self.fields[f"{key}_text"] = forms.CharField(
            label=_("Text"), required=False, max_length=500, initial=chosen.get("text", "")
        )
        if key.startswith("body_"):
            told = _("Web addresses in it are sent as links whose clicks are counted.")
            self.fields[f"{key}_text"].help_text = told
        self.fields[f"{key}_fallback"] = forms.CharField(
            label=_("If the contact has no value"), required=False, max_length=500, initial=chosen.get("fallback", "")
        )

    def _value(self, key: str, name: str) -> dict[str, Any]:
        source = self.cleaned_data[f"{key}_from"]
        if source == "text":
            return {"name": name, "from": "text", "text": self.cleaned_data[f"{key}_text"]}
        return {"name": name, "from": source, "fallback": self.cleaned_data[f"{key}_fallback"]}

    def _header(self) -> dict[str, Any] | None:
        if "header_link" in self.fields:
            kind = str(self.header["format"]).lower()
            return (
                {"kind": kind, "link": self.cleaned_data["header_link"]} if self.cleaned_data["header_link"] else None
            )
        names = variables_in(str(self.header.get("text", "")))
        return {"kind": "text", "value": self._value("header", names[0])} if names else None

    def _button(self, index: int) -> dict[str, Any] | None:
        if f"code_{index}_from" in self.fields:
            return {"index": index, "kind": "copy_code", "value": self._value(f"code_{index}", "code")}
        if url := self.cleaned_data.get(f"button_{index}_url"):
            return {"index": index, "kind": "url", "url": url}
        if payload := self.cleaned_data.get(f"button_{index}_payload"):
            return {"index": index, "kind": "quick_reply", "payload": payload}
        return None

    def _missing(self, part: str) -> str:
        if part == "text":
            return str(_("Please enter the text."))
        return str(_("Please enter what contacts without a value read instead, e.g. “dear customer”."))


class WallClockField(forms.DateTimeField):
    """A date and time as they were typed; Django's own field refuses what comes twice in the clocks' zone."""

    def to_python(self, value: Any) -> Any:
        """The time without a zone."""
        with timezone.override(UTC):
            typed = super().to_python(value)
        return typed and typed.replace(tzinfo=None)


class ScheduleForm(forms.Form):
    """When the campaign starts, as the clock on the wall shows it."""

    # Whether the time comes twice, in the night when the clocks go back; the first one is meant.
    is_twice = False
    local = WallClockField(
        label=_("Date and time"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = tenant.timezone
        self.fields["local"].help_text = _("Local time in %(zone)s") % {"zone": tenant.timezone}

    def clean_local(self) -> Any:
        """The wall-clock time, naive: the zone is stored beside it."""
        naive = self.cleaned_data["local"]
        first, second = (naive.replace(tzinfo=ZoneInfo(self.zone), fold=fold) for fold in (0, 1))
        if first <= timezone.now():
            raise forms.ValidationError(_("This time has passed. Please choose one in the future."))
        # PEP 495: before a gap the offset is the smaller one, before a repetition the larger one.
        if first.utcoffset() < second.utcoffset():
            raise forms.ValidationError(
                _("This time does not exist: the clocks go forward that night. Please choose an earlier or later one.")
            )
        self.is_twice = first.utcoffset() > second.utcoffset()
        return naive


def _kind(button: Variables) -> str:
    return str(button.get("type", "")).lower()


def _guess(label: str) -> str:
    words = label.lower()
    return (
        OPT_OUT if any(word in words for word in ("stop", "abmeld", "abbestell", "unsubscribe", "keine")) else "reply"
    )
