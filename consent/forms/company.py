"""Checks what the page “Company” sends."""

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from consent import addresses, colors
from consent.actions.controllers import Edited
from consent.forms.parts import country_choices, refuse
from consent.models import Controller
from consent.models.wordings import MOST_MONTHS

MONTHS = (3, 6, 12, 18, MOST_MONTHS)
PERIODS = ("message_months", "silence_months")


class PeriodsForm(forms.Form):
    """Shorter periods that somebody has confirmed."""

    message_months = forms.IntegerField(min_value=1, max_value=MOST_MONTHS)
    silence_months = forms.IntegerField(min_value=1, max_value=MOST_MONTHS)


def months(stored: int | None = None) -> list[tuple[int, str]]:
    """The periods to choose from, and the stored one, which a program or an earlier version may have set."""
    counts = sorted({*MONTHS, *([stored] if stored else [])})
    return [(count, ngettext("%(count)d month", "%(count)d months", count) % {"count": count}) for count in counts]


class CompanyForm(forms.Form):
    """Who is responsible, how to reach them, and what their sign-up pages look like."""

    legal_name = forms.CharField(
        label=_("Legal name"),
        required=False,
        max_length=200,
        help_text=_("As in the commercial register, with its legal form. Consent texts name exactly this."),
    )
    street = forms.CharField(label=_("Street and number"), required=False, max_length=200)
    postcode = forms.CharField(label=_("Postcode"), required=False, max_length=12)
    city = forms.CharField(label=_("City"), required=False, max_length=100)
    country = forms.ChoiceField(label=_("Country"), choices=country_choices)
    email = forms.EmailField(label=_("E-mail address for questions about data"), required=False)
    phone = forms.CharField(label=_("Phone"), required=False, max_length=40)
    officer = forms.CharField(
        label=_("Data protection officer"),
        required=False,
        max_length=200,
        help_text=_("Needed from 20 people on who regularly work with personal data (§ 38 BDSG)."),
    )
    officer_email = forms.EmailField(label=_("The officer's e-mail address"), required=False)
    privacy_url = forms.URLField(
        label=_("Address of the privacy notice"),
        required=False,
        assume_scheme="https",
        validators=[addresses.https_only],
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )
    imprint_url = forms.URLField(
        label=_("Address of the imprint"),
        required=False,
        assume_scheme="https",
        validators=[addresses.https_only],
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )
    address_form = forms.ChoiceField(
        label=_("How you address your customers"),
        choices=Controller.AddressForm.choices,
        help_text=_("For sign-up pages, confirmations and the texts to start from."),
    )
    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        help_text=_("PNG, JPEG or WebP; stands at the top of your sign-up pages."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    without_logo = forms.BooleanField(label=_("Remove the logo"), required=False)
    brand_color = forms.CharField(
        label=_("Brand colour"),
        max_length=20,
        help_text=_("As # with six digits or letters; buttons of your sign-up pages have it."),
    )
    special_attributes = forms.CharField(
        label=_("Attributes, events, tags and lists that touch health, faith or the like"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "One name per line, for example “allergy”. Segments and messages use them only for people who have agreed"
            " to the purpose “Special categories of data” (Art. 9 GDPR)."
        ),
    )
    contract_attributes = forms.CharField(
        label=_("Attributes, events, tags and lists for contracts only"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "One name per line, for example “delivery_note”. Campaigns that advertise can neither choose people by them"
            " nor name them in a message (Art. 5 GDPR)."
        ),
    )
    # As the page showed them.
    special_before = forms.CharField(required=False, widget=forms.HiddenInput)
    contract_before = forms.CharField(required=False, widget=forms.HiddenInput)
    demands_age = forms.BooleanField(
        label=_("Send advertising only to people of whom it is recorded that they are at least 16"),
        required=False,
        help_text=_(
            "By the sentence in the consent text, or by what an import or a program says. Advisable if children might"
            " sign up (Art. 8 GDPR). Whoever said to be younger gets none in any case."
        ),
    )
    message_months = forms.TypedChoiceField(
        label=_("Messages and clicks are kept for"),
        choices=months,
        coerce=int,
        help_text=_("Then they are made anonymous; reports stay."),
    )
    silence_months = forms.TypedChoiceField(
        label=_("A consent that nobody uses ends after"),
        choices=months,
        coerce=int,
        help_text=_("If the person was sent nothing and did nothing for so long."),
    )
    anchor_email = forms.EmailField(
        label=_("E-mail address for the daily seal of the consent ledger"),
        required=False,
        help_text=_("Kept outside of this system, the seal proves later that nobody has rewritten the ledger."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in PERIODS:
            cast(forms.ChoiceField, self.fields[name]).choices = months(self.initial.get(name))

    def clean_brand_color(self) -> str:
        """The colour as "#rrggbb", dark enough to be seen on a white page."""
        color = colors.normalised(self.cleaned_data["brand_color"])
        colors.readable(color)
        return color

    def clean(self) -> dict[str, Any]:
        """Refuses an officer whom nobody can write to."""
        for name in ("special", "contract"):
            before, after = (self.cleaned_data.pop(f"{name}_{which}", "") for which in ("before", "attributes"))
            self.cleaned_data[f"{name}_attributes"] = Edited(_names(before), _names(after))
        if self.cleaned_data.get("officer") and not self.cleaned_data.get("officer_email"):
            self.add_error("officer_email", _("Enter the officer's address: people have a right to write to them."))
        if not self.has_error("message_months") and not self.has_error("silence_months"):
            try:
                Controller(**{name: self.cleaned_data[name] for name in PERIODS}).clean()
            except ValidationError as refused:
                self.refuse(refused)
        return self.cleaned_data

    def refuse(self, error: ValidationError) -> None:
        """Show what the action has refused."""
        refuse(self, error)

    @property
    def color(self) -> str:
        """The colour as it is entered, for the preview; that of the model where it cannot be read."""
        given = colors.normalised(str(self["brand_color"].value() or ""))
        return given if colors.is_color(given) else Controller().brand_color


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(line[:60] for one in text.split("\n") if (line := " ".join(one.split()))))
