"""Checks what marketers enter about a sign-up form."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from consent import showing, signups, speaking
from consent.models import SignupForm
from consent.queries import controller_of
from consent.questions import Question
from tenants.models import Tenant

FIELDS = [
    *("name", "slug", "number", "wording", "extra_wording", "language", "headline", "intro", "benefit"),
    "benefit_terms",
    "without_code",
    *("question", "question_label", "question_attribute", "question_answers", "offers_topics", "keyword"),
]
TRANSLATED = (*showing.TEXTS, showing.ANSWERS)


class SignupFormForm(forms.ModelForm):
    """Everything that a form consists of; what it may look like is checked by the action."""

    number = forms.ChoiceField(label=_("WhatsApp number"), help_text=_("People confirm by a message to this number."))
    language = forms.ChoiceField(
        label=_("Language of these texts"),
        required=False,
        choices=[("", _("as the consent text")), *SignupForm.Language.choices],
        help_text=_("It stays when the consent text gets a version in another language."),
    )
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
            "without_code": _(
                "For example a raffle, or a coffee at the counter. Any other benefit is promised only while there are"
                " voucher codes for it. Whoever waits for a code then gets the benefit without one."
            ),
            "question": _("Optional; the answer can be used in segments at once."),
            "question_label": _("Stands above the field; without it what is asked for, such as “Postcode”."),
            "offers_topics": _(
                "People may tick those that interest them; the choice can be used in segments at once and is no"
                " consent."
            ),
            "keyword": _("Who sends this word by WhatsApp is shown the wording with a button."),
        }

    def __init__(self, tenant: Tenant, *args: Any, typed: QueryDict | None = None, **kwargs: Any) -> None:
        """`typed` is what stands on the page so far, where that is not to be saved yet."""
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        wordings = tenant.wordings.filter(versions__published_at__isnull=False, versions__invalid_reason="").distinct()
        for name in ("wording", "extra_wording"):
            chosen = self.fields[name]
            assert isinstance(chosen, forms.ModelChoiceField)
            chosen.queryset = wordings.order_by("name")
        number = self.fields["number"]
        assert isinstance(number, forms.ChoiceField)
        number.choices = list(signups.numbers(tenant).items())
        self.has_texts, self.has_numbers = wordings.exists(), bool(number.choices)
        self.fields["slug"].required = False
        if self.instance.pk:
            self.initial["question_answers"] = "\n".join(self.instance.question_answers)
            language = self.fields["language"]
            assert isinstance(language, forms.ChoiceField)
            language.choices = SignupForm.Language.choices
        else:
            self.initial["language"] = ""
        self.main = self._main(self.data if typed is None else typed)
        self.others = [language for language in speaking.LANGUAGES if language != self.main]
        for other in self.others:
            self._add_language(other)
        # What stood on the page when it was opened comes back with it.
        for field in self.fields.values():
            field.show_hidden_initial = bool(self.instance.pk)
        self.typed = self.data if typed is None else typed

    def _main(self, typed: Mapping[str, Any]) -> str:
        """The language of the page's own texts: the one that is chosen, else the consent text's, as when saved."""
        chosen = str(typed.get("wording", ""))
        if (language := typed.get("language")) or self.instance.pk or not chosen.isdecimal():
            return str(language or self.instance.language)
        wording = self.tenant.wordings.filter(pk=int(chosen)).first()
        return showing.language_for(wording) if wording else self.instance.language

    def _add_language(self, language: str) -> None:
        """A field for each text of the page in this language, all of them optional."""
        translated = self.instance.translations.get(language, {})
        for name in showing.TEXTS:
            own = self.fields[name]
            widget = forms.Textarea(attrs={"rows": 3}) if isinstance(own.widget, forms.Textarea) else forms.TextInput()
            self.fields[f"{language}_{name}"] = forms.CharField(
                label=own.label, required=False, max_length=showing.limit(name), widget=widget
            )
            self.initial[f"{language}_{name}"] = translated.get(name, "")
        self.fields[f"{language}_{showing.ANSWERS}"] = forms.CharField(
            label=_("Answers, one per line"),
            required=False,
            widget=forms.Textarea(attrs={"rows": 4}),
            help_text=_(
                "As many as above, in the same order. The same answer is kept in whichever language it is read."
            ),
        )
        self.initial[f"{language}_{showing.ANSWERS}"] = "\n".join(translated.get(showing.ANSWERS, []))

    def take(self, question: Question, typed: QueryDict) -> None:
        """Put one of our questions in place of the form's own; what else somebody has typed meanwhile stays."""
        company = controller_of(self.tenant)
        self.initial.update({name: typed.get(name, "") for name in self.fields})
        self.initial.update(question=SignupForm.Question.CHOICE, question_attribute=question.attribute)
        for language in speaking.LANGUAGES:
            prefix = "" if language == self.main else f"{language}_"
            self.initial[f"{prefix}question_label"] = question.words(company, language)
            self.initial[f"{prefix}{showing.ANSWERS}"] = "\n".join(question.answers[language])

    @property
    def seen(self) -> list[tuple[str, Any]]:
        """What stood on the page when it was opened, as hidden fields; see `changed`."""
        if sent := [(name, value) for name, value in self.typed.items() if name.startswith("initial-")]:
            return sent
        return [] if self.typed else [(field.html_initial_name, field.value()) for field in self]

    @property
    def changed(self) -> dict[str, Any]:
        """What somebody changed since the page was opened: the rest may have been changed by others meanwhile.

        Of the translations only the changed texts, as `translated`. A language that becomes the form's own has none.
        """
        if "initial-name" not in self.data:
            return self.cleaned_data
        names = set(self.changed_data)
        whole = self.cleaned_data["translations"]
        translated = {
            language: {
                name: whole.get(language, {}).get(name, "") for name in TRANSLATED if f"{language}_{name}" in names
            }
            for language in self.others
        }
        if "language" in names:
            translated[self.main] = dict.fromkeys(TRANSLATED, "")
        return {name: self.cleaned_data[name] for name in FIELDS if name in names} | {"translated": translated}

    @property
    def translated(self) -> list[tuple[str, list[forms.BoundField], bool]]:
        """Each other language by its name, with its fields, and whether there is something in them to look at."""
        named = dict(settings.LANGUAGES)
        found = []
        for language in self.others:
            fields = [self[f"{language}_{name}"] for name in TRANSLATED]
            found.append((str(named[language]), fields, any(field.value() or field.errors for field in fields)))
        return found

    def clean(self) -> dict[str, Any]:
        """Gathers the translations, as the form keeps them."""
        cleaned = super().clean() or self.cleaned_data
        cleaned["translations"] = {}
        for language in self.others:
            given = {name: cleaned.pop(f"{language}_{name}", "") for name in showing.TEXTS}
            given[showing.ANSWERS] = _lines(cleaned.pop(f"{language}_{showing.ANSWERS}", ""))
            if texts := {name: value for name, value in given.items() if value}:
                cleaned["translations"][language] = texts
        return cleaned

    def clean_slug(self) -> str:
        return self.cleaned_data["slug"] or slugify(self.cleaned_data.get("name", ""))

    def clean_question_answers(self) -> list[str]:
        return _lines(self.cleaned_data["question_answers"])

    def _post_clean(self) -> None:
        """The action checks the model; here it would be checked without its company."""


class PlaceForm(forms.Form):
    """Where the form is put up."""

    name = forms.CharField(label=_("Place"), max_length=60)


class CodesForm(forms.Form):
    """Voucher codes for the pool."""

    codes = forms.CharField(label=_("Voucher codes, one per line"), widget=forms.Textarea(attrs={"rows": 6}))

    def clean_codes(self) -> list[str]:
        """A code may hold blanks: only the end of a line ends it."""
        codes: str = self.cleaned_data["codes"]
        return codes.splitlines()


def _lines(text: str) -> list[str]:
    lines = [line.strip()[:60] for line in text.splitlines()]
    return [line for line in dict.fromkeys(lines) if line]
