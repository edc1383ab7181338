"""Checks what people send from a sign-up page."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.timezone import localdate

from consent import showing, speaking, topics
from consent.linting import ages
from consent.models import SignupForm
from consent.queries import boxes_for_mail, may_ask

QUESTIONS: Mapping[str, dict[str, str]] = {
    SignupForm.Question.POSTCODE: {"inputmode": "numeric", "autocomplete": "postal-code"},
    SignupForm.Question.EMAIL: {"autocomplete": "email"},
    SignupForm.Question.BIRTHDAY: {"type": "date", "autocomplete": "bday"},
}


class SignupPageForm(forms.Form):
    """The box, unticked (CG-02), a second one that nobody has to tick, and a question that nobody has to answer.

    Who ticks a box that covers e-mail names the address, which answers a question for it as well. Topics are boxes that
    nobody has to tick either.
    """

    agree = forms.BooleanField()
    extra = forms.BooleanField(required=False)
    # People leave what they cannot see empty.
    website = forms.CharField(required=False)

    def __init__(self, signup: SignupForm, language: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        said = self.said = speaking.texts(signup.tenant, language)
        self.fields["agree"].error_messages["required"] = said["must_tick"]
        self.boxes = boxes_for_mail(signup)
        self.is_asked_for_mail = signup.question == SignupForm.Question.EMAIL
        if self.boxes:
            self.fields["email"] = _address(said, is_required="agree" in self.boxes)
        if signup.question and may_ask(signup) and not (self.boxes and self.is_asked_for_mail):
            self.fields["answer"] = _question(signup, language, said)
        given = self.data.getlist("topic") if isinstance(self.data, QueryDict) else []
        offered = topics.offered(signup.tenant) if signup.offers_topics else []
        self.topics = [topics.shown(topic, language, str(topic.uid) in given) for topic in offered]

    @property
    def chosen(self) -> list[str]:
        """The uids of the topics that were ticked; what is not offered any more keeps nobody from signing up."""
        return [str(topic.group.uid) for topic in self.topics if topic.is_on]

    def clean_answer(self) -> Any:
        """Takes no birthday of a child, nor the sign-up that comes with it (CG-07)."""
        answer = self.cleaned_data["answer"]
        if isinstance(answer, date) and ages.is_too_young(answer, localdate()):
            raise forms.ValidationError(self.said["too_young"])
        return answer

    def clean(self) -> dict[str, Any]:
        """Takes an address for e-mails from nobody who did not agree to any, and demands one from who did."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        is_wanted = any(cleaned.get(box) for box in self.boxes)
        if self.boxes and self.is_asked_for_mail:
            cleaned["answer"] = cleaned.get("email", "")
        if not is_wanted:
            cleaned["email"] = ""
        elif not cleaned.get("email") and "email" not in self.errors:
            self.add_error("email", self.said["name_address"])
        return cleaned

    def clean_website(self) -> str:
        """Refuses programs that fill in everything, and tells people whose browser does what helps."""
        if self.cleaned_data["website"]:
            raise forms.ValidationError(self.said["filled_in"])
        return ""


def _address(said: Mapping[str, str], *, is_required: bool) -> forms.Field:
    told = dict.fromkeys(("required", "invalid"), said["name_address"])
    widget = forms.EmailInput(attrs=QUESTIONS[SignupForm.Question.EMAIL])
    return forms.EmailField(required=is_required, max_length=254, widget=widget, error_messages=told)


def _question(signup: SignupForm, language: str, said: Mapping[str, str]) -> forms.Field:
    match signup.question:
        case SignupForm.Question.CHOICE:
            answers, other = showing.answers(signup, language)
            widget: forms.Widget = forms.Select(attrs={"lang": other} if other else {})
            return forms.ChoiceField(
                choices=[("", "–"), *answers],
                required=False,
                widget=widget,
                error_messages={"invalid_choice": said["choose"]},
            )
        case SignupForm.Question.EMAIL:
            widget = forms.EmailInput(attrs=QUESTIONS[signup.question])
            return forms.EmailField(required=False, widget=widget)
        case SignupForm.Question.BIRTHDAY:
            widget = forms.DateInput(attrs=QUESTIONS[signup.question])
            return forms.DateField(required=False, widget=widget)
    return forms.CharField(required=False, max_length=10, widget=forms.TextInput(attrs=QUESTIONS[signup.question]))
