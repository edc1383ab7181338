"""What marketers do with sign-up forms: make and change them, open and close them, put them up somewhere."""

import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from consent import keywords, speaking
from consent.models import Channel, SignupForm, SignupPlace, WordingVersion
from consent.queries import may_ask, published
from tenants.actions import Actor, audit
from tenants.models import Tenant

# Without letters that are mistaken for each other on paper.
CODE_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
CODE_LENGTH = 8


@transaction.atomic
def create(*, tenant: Tenant, by: Actor, **values: Any) -> SignupForm:
    """A new form, as a draft; raises ValidationError by field."""
    form = SignupForm(tenant=tenant, **_cleaned(values))
    _save(form)
    audit(tenant=tenant, by=by, verb="signup_form.created", subject=form)
    return form


@transaction.atomic
def update(*, form: SignupForm, by: Actor, **values: Any) -> SignupForm:
    """Change a form; an open one shows it at once. Its address stays once it was open, because it may be printed."""
    values = _cleaned(values)
    if form.state != SignupForm.State.DRAFT and values.get("slug", form.slug) != form.slug:
        raise ValidationError({"slug": _("The address stays: it may be printed or linked somewhere.")})
    for name, value in values.items():
        setattr(form, name, value)
    _save(form)
    audit(tenant=form.tenant, by=by, verb="signup_form.changed", subject=form)
    return form


@transaction.atomic
def open_(*, form: SignupForm, by: Actor) -> None:
    """Let people sign up; raises ValidationError, naming what is missing, while the form could not prove a yes."""
    if problems := list(_problems(form)):
        raise ValidationError(problems)
    form.state = SignupForm.State.LIVE
    form.save(update_fields=["state"])
    audit(tenant=form.tenant, by=by, verb="signup_form.opened", subject=form)


@transaction.atomic
def close(*, form: SignupForm, by: Actor) -> None:
    """Take no more sign-ups; the page says so, and who has confirmed stays signed up."""
    form.state = SignupForm.State.CLOSED
    form.save(update_fields=["state"])
    audit(tenant=form.tenant, by=by, verb="signup_form.closed", subject=form)


@transaction.atomic
def add_place(*, form: SignupForm, name: str, by: Actor) -> SignupPlace:
    """A place where the form is put up, with an address and a QR code of its own; raises ValidationError."""
    code = "".join(secrets.choice(CODE_SIGNS) for _n in range(CODE_LENGTH))
    place = SignupPlace(tenant=form.tenant, form=form, name=name.strip(), code=code)
    place.full_clean(exclude=["tenant", "form"], validate_constraints=False)
    try:
        with transaction.atomic():
            place.save()
    except IntegrityError:
        raise ValidationError({"name": _("There is a place of this name already.")}) from None
    audit(tenant=form.tenant, by=by, verb="signup_place.added", subject=place)
    return place


def _cleaned(values: dict[str, Any]) -> dict[str, Any]:
    if "keyword" in values:
        values["keyword"] = keywords.normalise(values["keyword"])
    return values


def _save(form: SignupForm) -> None:
    form.full_clean(exclude=["tenant", "wording", "extra_wording"], validate_constraints=False)
    if form.keyword and not 3 <= len(form.keyword) <= 20:
        raise ValidationError({"keyword": _("A keyword has 3 to 20 letters or digits.")})
    if form.keyword and keywords.recognise(form.keyword).wish != "none":
        raise ValidationError(
            {"keyword": _("This word already means something else, such as stopping. Choose another.")}
        )
    if form.question == SignupForm.Question.CHOICE and not (form.question_answers and form.question_attribute):
        raise ValidationError({"question_answers": _("A choice needs answers and the attribute that takes them.")})
    if not may_ask(form):
        told = _("This attribute is of a special category: choose a second consent text that covers it (Art. 9 GDPR).")
        raise ValidationError({"question_attribute": told})
    try:
        with transaction.atomic():
            form.save()
    except IntegrityError as error:
        taken = "keyword" if "keyword" in str(error) else "slug"
        raise ValidationError({taken: _("Another form has this already.")}) from None


def _too_long(form: SignupForm, version: WordingVersion) -> int:
    """By how many characters the question in WhatsApp would exceed Meta's limit; 0 if it fits."""
    lengths = [len(speaking.question(form.tenant, language, version)) for language in version.texts]
    return max(0, *(length - speaking.QUESTION_LIMIT for length in lengths))


def _problems(form: SignupForm) -> list[str]:
    found = []
    version = published(form.wording)
    if version is None:
        found.append(_("Publish the wording first: without it nothing proves what people agreed to."))
    elif not any(channel == Channel.WHATSAPP for channel, _purpose in version.covers):
        found.append(_("This wording covers nothing on WhatsApp, and only that is confirmed there."))
    elif longest := _too_long(form, version):
        told = _("Shorten the wording by %(count)s characters: who writes the keyword is shown all of it in WhatsApp.")
        found.append(told % {"count": longest})
    if form.extra_wording and published(form.extra_wording) is None:
        found.append(_("Publish the second wording first, or leave it out."))
    if form.benefit and not form.benefit_terms:
        found.append(_("Write the conditions of the benefit: they must be visible beside it (§ 6 DDG)."))
    return found
