"""The dashboard's sign-up forms: what there is, what each consists of, where it is put up and how many came by it."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from consent import printing, questions, showing, signups
from consent import vouchers as pools
from consent.actions import signup_forms as actions
from consent.actions import vouchers
from consent.forms.signups import CodesForm, PlaceForm, SignupFormForm
from consent.models import SignupForm, SignupPlace
from consent.opening import Hindrance, closed, live, overshadowed, overshadowing, unlawful, unspoken
from consent.queries import may_ask, published
from consent.questions import QUESTIONS
from contacts import phones
from tenants.pages import TenantRequest, requires

INVALID = 422
# Of thousands of codes nobody picks single ones from a list.
MOST_CODES = 200


@require_GET
@requires("consent:read")
def forms(request: TenantRequest) -> HttpResponse:
    """All forms, open ones first, with what came by them."""
    opened = live(request.tenant)
    hindered = {form.pk for form, _why in closed(request.tenant, opened)}
    shaded = {form.pk for form, _where in overshadowed(opened)}
    found = request.tenant.signup_forms.order_by("-state", "-pk")
    shown = [(form, form.pk in hindered, form.pk in shaded) for form in found]
    return render(request, "consent/signups.html", {"forms": shown})


@require_http_methods(["GET", "POST"])
@requires("consent:write")
def new(request: TenantRequest) -> HttpResponse:
    """Make a form; it opens when somebody opens it."""
    form = _entered(request, None)
    if form.is_bound and form.is_valid():
        made = _tried(form, lambda: actions.create(tenant=request.tenant, by=request.user, **form.cleaned_data))
        if made:
            return _to(request, made)
    context = {"is_new": True, "lacks_text": not form.has_texts, "lacks_number": not form.has_numbers}
    return _editor(request, form, context)


@require_GET
@requires("consent:read")
def show(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """One form: its address, its places with their codes and counts, its vouchers."""
    return _shown(request, uid, PlaceForm(), CodesForm())


@require_http_methods(["GET", "POST"])
@requires("consent:write")
def edit(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Change a form."""
    signup, stored = _form(request, uid), _form(request, uid)
    form = _entered(request, signup)

    def change() -> SignupForm:
        return actions.update(form=stored, by=request.user, promises_nothing=_answered(request), **form.changed)

    if form.is_bound and form.is_valid() and _tried(form, change):
        messages.success(request, _("Saved."))
        return _to(request, stored)
    # As it is, or as it was about to be when it was refused.
    shade = overshadowing(stored) if stored.state == SignupForm.State.LIVE else []
    return _editor(request, form, {"signup": signup, "overshadowing": shade, "asked": _words(shade)})


@require_POST
@requires("consent:write")
def open_(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Let people sign up, or say what is missing."""
    signup = _form(request, uid)
    try:
        actions.open_(form=signup, by=request.user, promises_nothing=_answered(request))
        messages.success(request, _("The form is open."))
    except ValidationError:
        # What is missing stands on the page, each with a link to where it is mended.
        messages.error(request, _("The form cannot be opened yet."))
    return _to(request, signup)


@require_POST
@requires("consent:write")
def close(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Take no more sign-ups."""
    signup = _form(request, uid)
    actions.close(form=signup, by=request.user)
    messages.success(request, _("The form is closed. Who has confirmed stays signed up."))
    return _to(request, signup)


@require_POST
@requires("consent:write")
def add_place(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Put the form up at one more place."""
    signup = _form(request, uid)
    form = PlaceForm(request.POST)
    if form.is_valid() and _tried(form, lambda: actions.add_place(form=signup, by=request.user, **form.cleaned_data)):
        return _to(request, signup)
    return _shown(request, uid, form, CodesForm(), status=INVALID)


@require_POST
@requires("consent:write")
def codes(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Fill the pool of voucher codes."""
    signup = _form(request, uid)
    form = CodesForm(request.POST)
    if form.is_valid():
        added = _tried(form, lambda: vouchers.add(form=signup, by=request.user, **form.cleaned_data))
        if added is not None:
            told = ngettext("%(count)d voucher code is new.", "%(count)d voucher codes are new.", added)
            messages.success(request, told % {"count": added})
            return _to(request, signup)
    return _shown(request, uid, PlaceForm(), form, status=INVALID)


@require_http_methods(["GET", "POST"])
@requires("consent:write")
def remove_codes(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """The codes that nobody has yet; take some of them, or all, out of the pool."""
    signup = _form(request, uid)
    if request.method == "POST" and (request.POST.getlist("code") or "all" in request.POST):
        chosen = None if "all" in request.POST else request.POST.getlist("code")
        removed = vouchers.remove(form=signup, codes=chosen, by=request.user)
        told = ngettext("%(count)d voucher code is removed.", "%(count)d voucher codes are removed.", removed)
        messages.success(request, told % {"count": removed})
        return _to(request, signup)
    context = {"signup": signup, "codes": pools.left(signup, MOST_CODES), "pool": pools.pool(signup)}
    return render(request, "consent/signup_codes.html", context)


@require_http_methods(["GET", "POST"])
@requires("consent:write")
def edit_place(request: TenantRequest, uid: uuid.UUID, code: str) -> HttpResponse:
    """Call a place otherwise; what is printed stays."""
    signup, found = _place(request, uid, code)
    form = PlaceForm(request.POST or None, initial={"name": found.name})

    def rename() -> SignupPlace:
        return actions.rename_place(place=found, by=request.user, **form.cleaned_data)

    if request.method == "POST" and form.is_valid() and _tried(form, rename):
        return _to(request, signup)
    status = INVALID if form.errors else 200
    return render(request, "consent/signup_place.html", {"signup": signup, "place": found, "form": form}, status=status)


@require_POST
@requires("consent:write")
def archive_place(request: TenantRequest, uid: uuid.UUID, code: str) -> HttpResponse:
    """Take a place out of the list."""
    signup, found = _place(request, uid, code)
    actions.archive_place(place=found, by=request.user)
    messages.success(request, _("The place is archived. What is printed with its code goes on working."))
    return _to(request, signup)


@require_POST
@requires("consent:write")
def restore_place(request: TenantRequest, uid: uuid.UUID, code: str) -> HttpResponse:
    """Put a place back into the list."""
    signup, found = _place(request, uid, code)
    actions.restore_place(place=found, by=request.user)
    return _to(request, signup)


@require_GET
@requires("consent:read")
def qr(request: TenantRequest, uid: uuid.UUID, code: str, kind: str, is_direct: bool = False) -> HttpResponse:
    """The QR code of a place, to be printed: to the form's page or straight into WhatsApp; a PNG, an SVG or a PDF."""
    signup, place = _place(request, uid, code)
    if kind not in printing.KINDS:
        raise Http404
    file = printing.code(signup, place, kind, is_direct=is_direct)
    return _file(file, printing.KINDS[kind], f"{signup.slug}-{code}{'-whatsapp' if is_direct else ''}.{kind}")


@require_GET
@requires("consent:read")
def poster(request: TenantRequest, uid: uuid.UUID, code: str, is_direct: bool = False) -> HttpResponse:
    """A sheet to be put up at a place, in the form's own language or `?lang=`; says which texts to shorten.

    None that holds out a benefit above the declaration (CG-05): it hangs on when nobody gets it any more.
    """
    signup, place = _place(request, uid, code)
    if overshadowing(signup):
        told = _(
            "The poster would promise a benefit without its conditions for as long as it hangs. Mend what is named"
            " below, or confirm it there, and print it then."
        )
        messages.error(request, told)
        return _to(request, signup)
    known = showing.languages(signup)
    language = request.GET["lang"] if request.GET.get("lang") in known else known[0]
    try:
        sheet = printing.poster(signup, place, language=language, is_direct=is_direct)
    except printing.TooMuchText:
        told = _("The texts do not fit on a poster. Shorten the headline, the benefit or its conditions.")
        messages.error(request, told)
        return _to(request, signup)
    name = f"{signup.slug}-{code}{'-whatsapp' if is_direct else ''}{f'-{language}' if language != known[0] else ''}"
    return _file(sheet, printing.KINDS["pdf"], f"{name}-a5.pdf")


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _shown(
    request: TenantRequest, uid: uuid.UUID, place_form: PlaceForm, codes_form: CodesForm, status: int = 200
) -> HttpResponse:
    signup = _form(request, uid)
    places = list(signup.places.filter(tenant=request.tenant).order_by("pk"))
    is_live = signup.state == SignupForm.State.LIVE
    found, shade = unlawful(signup), overshadowing(signup)
    if not is_live:
        found = [*found, *unspoken(signup), *shade]
    context = {
        "signup": signup,
        "url": signups.page_url(signup),
        "snippet": f'<script src="{signups.page_url(signup)}widget.js" async></script>',
        "hindrances": [(each.told, _mended_at(request, signup, each.where)) for each in found],
        # A form that is open already stays so, and only WhatsApp cannot show its text any more.
        "unspoken": unspoken(signup) if is_live else [],
        # Nor does it close for a promise in its headline: that may be printed, and people were told of it.
        "overshadowing": shade if is_live else [],
        # Nothing else is missing: somebody may answer for these words.
        "asked": _words(shade) if not is_live and found == shade else [],
        "keyword_link": signups.keyword_link(signup) if signup.keyword else "",
        "number": phones.shown(signup.number),
        "version": published(signup.wording),
        "extra_version": published(signup.extra_wording) if signup.extra_wording else None,
        "places": [(place, signups.page_url(signup, place)) for place in places if not place.archived_at],
        "archived": [place for place in places if place.archived_at],
        "poster_languages": showing.languages(signup),
        "pool": pools.pool(signup),
        "is_promised": pools.is_promised(signup),
        "place_form": place_form,
        "codes_form": codes_form,
        "is_silenced": not may_ask(signup),
    }
    return render(request, "consent/signup.html", context, status=status)


def _entered(request: TenantRequest, signup: SignupForm | None) -> SignupFormForm:
    """What somebody sent, to be saved; or to be shown again with one of our questions in it (M-21)."""
    if question := QUESTIONS.get(request.POST.get("take", "")):
        form = SignupFormForm(request.tenant, instance=signup, typed=request.POST)
        form.take(question, request.POST)
        return form
    return SignupFormForm(request.tenant, request.POST or None, instance=signup)


def _editor(request: TenantRequest, form: SignupFormForm, context: dict[str, Any]) -> HttpResponse:
    context |= {"form": form, "questions": questions.by_industry(), "is_taken": "take" in request.POST}
    return render(request, "consent/signup_edit.html", context, status=INVALID if form.errors else 200)


def _words(shade: list[Hindrance]) -> list[str]:
    """What stands beside the tick that nobody gets it for signing up; see `_answered`."""
    return list(dict.fromkeys(hindrance.words for hindrance in shade))


def _answered(request: TenantRequest) -> list[str]:
    """The words that stood beside the tick, if it is set: nobody answers for what others write meanwhile."""
    return request.POST.getlist("words") if "promises_nothing" in request.POST else []


def _mended_at(request: TenantRequest, signup: SignupForm, where: str) -> str:
    """The screen on which this hindrance is mended; "" for who may not mend it."""
    slug = request.tenant.slug
    if not request.membership.may("wordings:write" if where in ("wording", "extra_wording") else "consent:write"):
        return ""
    match where:
        case "company":
            return reverse("company", kwargs={"tenant_slug": slug})
        case "wording":
            return reverse("wording", kwargs={"tenant_slug": slug, "uid": signup.wording.uid})
        case "extra_wording" if signup.extra_wording:
            return reverse("wording", kwargs={"tenant_slug": slug, "uid": signup.extra_wording.uid})
    return reverse("signup_edit", kwargs={"tenant_slug": slug, "uid": signup.uid})


def _tried(form: Any, act: Callable[[], Any]) -> Any:
    """What the action returns; None after its complaints were put to the fields they belong to."""
    try:
        return act()
    except ValidationError as error:
        known = {name: told for name, told in _by_field(error).items() if name in form.fields}
        for name, told in known.items():
            form.add_error(name, told)
        for name, told in _by_field(error).items():
            if name not in known:
                form.add_error(None, told)
        return None


def _by_field(error: ValidationError) -> dict[str, list[str]]:
    return error.message_dict if hasattr(error, "error_dict") else {"": error.messages}


def _form(request: TenantRequest, uid: uuid.UUID) -> SignupForm:
    forms = request.tenant.signup_forms.select_related("tenant", "wording", "extra_wording")
    return get_object_or_404(forms, uid=uid)


def _place(request: TenantRequest, uid: uuid.UUID, code: str) -> tuple[SignupForm, SignupPlace]:
    signup = _form(request, uid)
    return signup, get_object_or_404(signup.places.filter(tenant=request.tenant).select_related("tenant"), code=code)


def _to(request: TenantRequest, signup: SignupForm) -> HttpResponse:
    return redirect("signup_form", tenant_slug=request.tenant.slug, uid=signup.uid)
