"""What marketers do with sign-up forms: make and change them, open and close them, put them up somewhere."""

import secrets
from collections.abc import Collection, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consent import keywords, showing, signups
from consent.actions import vouchers
from consent.models import SignupForm, SignupPlace
from consent.opening import PROMISES_NOTHING, Hindrance, held_out, overshadowing, unlawful, unspoken
from consent.queries import may_ask
from consent.signups import CODE_LENGTH, CODE_SIGNS
from tenants.actions import Actor, audit
from tenants.models import Tenant


@transaction.atomic
def create(*, tenant: Tenant, by: Actor, **values: Any) -> SignupForm:
    """A new form, as a draft; raises ValidationError by field.

    Without a `language` its own texts are in that of the consent text, and stay so whatever is added to that.
    """
    values = _cleaned(values)
    form = SignupForm(tenant=tenant, **{"language": showing.language_for(values["wording"])} | values)
    _save(form)
    audit(tenant=tenant, by=by, verb="signup_form.created", subject=form)
    return form


@transaction.atomic
def update(
    *,
    form: SignupForm,
    by: Actor,
    promises_nothing: Collection[str] = (),
    translated: Mapping[str, Mapping[str, Any]] | None = None,
    **values: Any,
) -> SignupForm:
    """Change these values of a form, whatever else was changed since it was read, and return it.

    `translations` replaces all of them; `translated` changes only the texts that it names, by language, and takes out
    those that are empty.

    An open one shows them at once, so nothing unlawful may come of it; `promises_nothing` as in `open_`. Its address
    stays once it was open, because it may be printed. A benefit that needs no code any more is owed to nobody: who was
    promised it gets it without one. Raises ValidationError by field.
    """
    values = _cleaned(values)
    # Whoever is owed a code now is written down under the same lock (actions.vouchers).
    _lock(form)
    is_live = form.state == SignupForm.State.LIVE
    before = _faults(form, promises_nothing) if is_live else []
    if form.state != SignupForm.State.DRAFT and values.get("slug", form.slug) != form.slug:
        raise ValidationError({"slug": _("The address stays: it may be printed or linked somewhere.")})
    for name, value in values.items():
        setattr(form, name, value)
    for language, texts in (translated or {}).items():
        form.translations = _translated(form, language, texts)
    _save(form)
    if is_live and (new := [found for found in _faults(form, promises_nothing) if found not in before]):
        raise ValidationError([found.told for found in new])
    changes: dict[str, Any] = _confirmed(form, promises_nothing) if is_live else {}
    if form.without_code and (forgiven := vouchers.forgive(form)):
        changes["count"] = forgiven
    audit(tenant=form.tenant, by=by, verb="signup_form.changed", subject=form, changes=changes)
    return form


@transaction.atomic
def open_(*, form: SignupForm, by: Actor, promises_nothing: Collection[str] = ()) -> None:
    """Let people sign up; raises ValidationError, naming what is missing, while the form could not prove a yes.

    `promises_nothing` are words of headline or introduction that look like a benefit for signing up, and of which
    somebody who has read them answers for it that they tell what the messages are about; the audit trail keeps them.
    """
    _lock(form)
    if found := [*unlawful(form), *unspoken(form), *overshadowing(form, promises_nothing)]:
        raise ValidationError([hindrance.told for hindrance in found])
    form.state = SignupForm.State.LIVE
    form.save(update_fields=["state"])
    changes = _confirmed(form, promises_nothing)
    audit(tenant=form.tenant, by=by, verb="signup_form.opened", subject=form, changes=changes)


@transaction.atomic
def close(*, form: SignupForm, by: Actor) -> None:
    """Take no more sign-ups; the page says so, and who has confirmed stays signed up."""
    _lock(form)
    form.state = SignupForm.State.CLOSED
    form.save(update_fields=["state"])
    audit(tenant=form.tenant, by=by, verb="signup_form.closed", subject=form)


@transaction.atomic
def add_place(*, form: SignupForm, name: str, by: Actor) -> SignupPlace:
    """A place where the form is put up, with an address and a QR code of its own; raises ValidationError."""
    code = "".join(secrets.choice(CODE_SIGNS) for _n in range(CODE_LENGTH))
    place = SignupPlace(tenant=form.tenant, form=form, name=name.strip(), code=code)
    place.full_clean(exclude=["tenant", "form"], validate_constraints=False)
    _save_place(place)
    audit(tenant=form.tenant, by=by, verb="signup_place.added", subject=place)
    return place


@transaction.atomic
def rename_place(*, place: SignupPlace, name: str, by: Actor) -> SignupPlace:
    """Call a place otherwise; its address and codes stay. Raises ValidationError."""
    place.name = name.strip()
    place.full_clean(exclude=["tenant", "form"], validate_constraints=False)
    _save_place(place)
    audit(tenant=place.tenant, by=by, verb="signup_place.renamed", subject=place)
    return place


@transaction.atomic
def archive_place(*, place: SignupPlace, by: Actor) -> None:
    """Take a place out of the list. It is never deleted: nobody knows where its code was printed, so that works on."""
    place.archived_at = timezone.now()
    place.save(update_fields=["archived_at"])
    audit(tenant=place.tenant, by=by, verb="signup_place.archived", subject=place)


@transaction.atomic
def restore_place(*, place: SignupPlace, by: Actor) -> None:
    """Put an archived place back into the list, with its counts."""
    place.archived_at = None
    place.save(update_fields=["archived_at"])
    audit(tenant=place.tenant, by=by, verb="signup_place.restored", subject=place)


def _lock(form: SignupForm) -> None:
    """Read the form again as it is now; nobody else changes, opens or closes it until the transaction ends."""
    rows = SignupForm.objects.filter(tenant=form.tenant_id).select_related("tenant", "wording", "extra_wording")
    form.refresh_from_db(from_queryset=rows.select_for_update(of=("self",), no_key=True))


def _translated(form: SignupForm, language: str, texts: Mapping[str, Any]) -> dict[str, Any]:
    """The form's translations with these texts among them."""
    known = {name: words for name, words in (form.translations.get(language, {}) | texts).items() if words}
    others = {code: words for code, words in form.translations.items() if code != language}
    return others | ({language: known} if known else {})


def _faults(form: SignupForm, promises_nothing: Collection[str]) -> list[Hindrance]:
    """What no open form may get: what it has already keeps nobody from mending the rest."""
    return [*unlawful(form), *overshadowing(form, promises_nothing)]


def _confirmed(form: SignupForm, promises_nothing: Collection[str]) -> dict[str, list[str]]:
    """For the audit trail: which words that stand there somebody answers for."""
    words = [words for _field, words in held_out(form) if words in promises_nothing]
    return {PROMISES_NOTHING: words} if words else {}


def _save_place(place: SignupPlace) -> None:
    try:
        with transaction.atomic():
            place.save()
    except IntegrityError:
        told = _("There is a place of this name already, perhaps among the archived ones.")
        raise ValidationError({"name": told}) from None


def _cleaned(values: dict[str, Any]) -> dict[str, Any]:
    if not values.get("language"):
        values.pop("language", None)
    if "keyword" in values:
        values["keyword"] = keywords.normalise(values["keyword"])
    return values


def _save(form: SignupForm) -> None:
    form.full_clean(exclude=["tenant", "wording", "extra_wording"], validate_constraints=False)
    if form.keyword and not 3 <= len(form.keyword) <= 20:
        raise ValidationError({"keyword": _("A keyword has 3 to 20 letters or digits.")})
    is_answer = signups.is_yes(form.keyword) or signups.is_no(form.keyword)
    if form.keyword and (is_answer or keywords.recognise(form.keyword).wish != "none"):
        raise ValidationError(
            {"keyword": _("This word already means something else, such as stopping. Choose another.")}
        )
    if form.question == SignupForm.Question.CHOICE and not (form.question_answers and form.question_attribute):
        raise ValidationError({"question_answers": _("A choice needs answers and the attribute that takes them.")})
    if form.question == SignupForm.Question.CHOICE and not form.question_label:
        raise ValidationError({"question_label": _("Say what is asked: the answers alone do not.")})
    showing.check(form)
    if not may_ask(form):
        told = _("This attribute is of a special category: choose a second consent text that covers it (Art. 9 GDPR).")
        raise ValidationError({"question_attribute": told})
    try:
        with transaction.atomic():
            form.save()
    except IntegrityError as error:
        taken = "keyword" if "keyword" in str(error) else "slug"
        raise ValidationError({taken: _("Another form uses this already. Choose something else.")}) from None
