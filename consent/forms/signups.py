"""Checks what marketers enter about a sign-up form."""

from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from consent.models import SignupForm
from tenants.models import Tenant

FIELDS = [
    *("name", "slug", "number", "wording", "extra_wording", "headline", "intro", "benefit", "benefit_terms"),
    *("question", "question_label", "question_attribute", "question_answers", "keyword"),
]


class SignupFormForm(forms.ModelForm):
    """Everything that a form consists of; what it may look like is checked by the action."""

    number = forms.ChoiceField(label=_("WhatsApp number"), help_text=_("People confirm by a message to this number."))
    question_answers = forms.CharField(
        label=_("Answers, one per line"), required=False, widget=forms.Textarea(attrs={"rows": 4})
    )

    class Meta:
        model = SignupForm
        fields = FIELDS
        labels = {"wording": _("Consent text"), "extra_wording": _("Second consent text")}
        widgets = {"intro": forms.Textarea(attrs={"rows": 3}), "benefit_terms": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "slug": _("The end of the page's address. It stays, because it may be printed."),
            "wording": _("What people agree to. Only a published wording can be agreed to."),
            "extra_wording": _("A second box that nobody has to tick, for example for measuring clicks."),
            "benefit": _("What people get for it, for example “5 € voucher”. Shown below the consent, never above it."),
            "question": _("Optional; the answer can be used in segments at once."),
            "question_label": _("Stands above the field; without it what is asked for, such as “Postcode”."),
            "keyword": _("Who sends this word by WhatsApp is shown the wording with a button."),
        }

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        wordings = tenant.wordings.filter(versions__published_at__isnull=False, versions__invalid_reason="").distinct()
        for name in ("wording", "extra_wording"):
            chosen = self.fields[name]
            assert isinstance(chosen, forms.ModelChoiceField)
            chosen.queryset = wordings.order_by("name")
        number = self.fields["number"]
        assert isinstance(number, forms.ChoiceField)
        shown = [number.display_number for number in tenant.numbers.order_by("pk")]
        number.choices = [(_digits(one), one) for one in shown]
        self.has_texts, self.has_numbers = wordings.exists(), bool(shown)
        self.fields["slug"].required = False
        if self.instance.pk:
            self.initial["question_answers"] = "\n".join(self.instance.question_answers)

    def clean_slug(self) -> str:
        return self.cleaned_data["slug"] or slugify(self.cleaned_data.get("name", ""))

    def clean_question_answers(self) -> list[str]:
        lines = [line.strip()[:60] for line in self.cleaned_data["question_answers"].splitlines()]
        return [line for line in dict.fromkeys(lines) if line]

    def _post_clean(self) -> None:
        """The action checks the model; here it would be checked without its company."""


class PlaceForm(forms.Form):
    """Where the form is put up."""

    name = forms.CharField(label=_("Place"), max_length=60)


class CodesForm(forms.Form):
    """Voucher codes for the pool."""

    codes = forms.CharField(label=_("Voucher codes, one per line"), widget=forms.Textarea(attrs={"rows": 6}))


def _digits(number: str) -> str:
    return "+" + "".join(sign for sign in number if sign.isdigit())
