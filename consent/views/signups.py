"""The dashboard's sign-up forms: what there is, what each consists of, where it is put up and how many came by it."""

import io
import uuid
from collections.abc import Callable
from typing import Any

import segno
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from consent import printing, signups
from consent.actions import signup_forms as actions
from consent.actions.signups import add_codes
from consent.forms.signups import CodesForm, PlaceForm, SignupFormForm
from consent.models import SignupForm
from consent.queries import may_ask
from tenants.pages import TenantRequest, requires

INVALID = 422
KINDS = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}
# Dots of a printed code: 12 at 300 dpi are a millimetre each, so that a poster can be cut from the PNG.
SCALE = {"svg": 8, "png": 12, "pdf": 6}


@require_GET
@requires("consent:read")
def forms(request: TenantRequest) -> HttpResponse:
    """All forms, open ones first, with what came by them."""
    return render(request, "consent/signups.html", {"forms": request.tenant.signup_forms.order_by("-state", "-pk")})


@require_http_methods(["GET", "POST"])
@requires("consent:write")
def new(request: TenantRequest) -> HttpResponse:
    """Make a form; it opens when somebody opens it."""
    form = SignupFormForm(request.tenant, request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = _tried(form, lambda: actions.create(tenant=request.tenant, by=request.user, **form.cleaned_data))
        if made:
            return _to(request, made)
    status = INVALID if form.errors else 200
    context = {"form": form, "is_new": True, "lacks_text": not form.has_texts, "lacks_number": not form.has_numbers}
    return render(request, "consent/signup_edit.html", context, status=status)


@require_GET
@requires("consent:read")
def show(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """One form: its address, its places with their codes and counts, its vouchers."""
    return _shown(request, uid, PlaceForm(), CodesForm())


@require_http_methods(["GET", "POST"])
@requires("consent:write")
def edit(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Change a form."""
    signup = _form(request, uid)
    form = SignupFormForm(request.tenant, request.POST or None, instance=signup)
    if request.method == "POST" and form.is_valid():
        stored = _form(request, uid)
        if _tried(form, lambda: actions.update(form=stored, by=request.user, **form.cleaned_data)):
            messages.success(request, _("Saved."))
            return _to(request, stored)
    status = INVALID if form.errors else 200
    return render(request, "consent/signup_edit.html", {"form": form, "signup": signup}, status=status)


@require_POST
@requires("consent:write")
def open_(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Let people sign up, or say what is missing."""
    signup = _form(request, uid)
    try:
        actions.open_(form=signup, by=request.user)
        messages.success(request, _("The form is open."))
    except ValidationError as error:
        for problem in error.messages:
            messages.error(request, problem)
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
        added = _tried(form, lambda: add_codes(form=signup, codes=form.cleaned_data["codes"].split()))
        if added is not None:
            told = ngettext("%(count)d voucher code is new.", "%(count)d voucher codes are new.", added)
            messages.success(request, told % {"count": added})
            return _to(request, signup)
    return _shown(request, uid, PlaceForm(), form, status=INVALID)


@require_GET
@requires("consent:read")
def qr(request: TenantRequest, uid: uuid.UUID, code: str, kind: str) -> HttpResponse:
    """The QR code of a place, to be printed; a PNG, an SVG or a PDF."""
    signup = _form(request, uid)
    place = get_object_or_404(signup.places.filter(tenant=request.tenant), code=code)
    if kind not in KINDS:
        raise Http404
    file = io.BytesIO()
    made = segno.make(signups.page_url(signup, place), error="q", micro=False)
    made.save(file, kind=kind, scale=SCALE[kind], border=4)
    response = HttpResponse(file.getvalue(), content_type=KINDS[kind])
    response["Content-Disposition"] = f'attachment; filename="{signup.slug}-{code}.{kind}"'
    return response


@require_GET
@requires("consent:read")
def poster(request: TenantRequest, uid: uuid.UUID, code: str) -> HttpResponse:
    """A sheet to be put up at a place."""
    signup = _form(request, uid)
    place = get_object_or_404(signup.places.filter(tenant=request.tenant), code=code)
    response = HttpResponse(printing.poster(signup, place), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{signup.slug}-{code}-a5.pdf"'
    return response


def _shown(
    request: TenantRequest, uid: uuid.UUID, place_form: PlaceForm, codes_form: CodesForm, status: int = 200
) -> HttpResponse:
    signup = _form(request, uid)
    pool = signup.codes.filter(tenant=request.tenant).aggregate(all=Count("pk"), free=Count("pk", Q(contact=None)))
    places = signup.places.filter(tenant=request.tenant).order_by("pk")
    context = {
        "signup": signup,
        "url": signups.page_url(signup),
        "snippet": f'<script src="{signups.page_url(signup)}widget.js" async></script>',
        "keyword_link": signups.whatsapp_link(signup.number, signup.keyword.upper()) if signup.keyword else "",
        "places": [(place, signups.page_url(signup, place)) for place in places],
        "pool": pool,
        "place_form": place_form,
        "codes_form": codes_form,
        "is_silenced": not may_ask(signup),
    }
    return render(request, "consent/signup.html", context, status=status)


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


def _to(request: TenantRequest, signup: SignupForm) -> HttpResponse:
    return redirect(reverse("signup_form", kwargs={"tenant_slug": request.tenant.slug, "uid": signup.uid}))
