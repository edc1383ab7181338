"""The pages that people see: signing up, confirming, and saying no; without login, cookies, scripts or strangers."""

import functools
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import segno
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from consent import colors, explaining, queries, showing, signups, speaking, topics, vouchers
from consent.actions import addresses, preferences
from consent.actions import signups as actions
from consent.forms.public import SignupPageForm
from consent.models import Controller, SignupForm, SignupPlace, WordingVersion
from consent.opening import unlawful, unspoken
from consent.queries import published
from contacts import phones
from tenants import visitors
from tenants.models import Tenant
from tenants.pages import address_of
from tenants.queries import active_tenant
from tenants.scope import tenant_scope

GONE, INVALID, TOO_MANY = 410, 422, 429
# Tries of one address in a minute, on one form; whole offices share an address.
MOST_TRIES, TRIES_S = 30, 60
QR_SCALE = 5
# What links of advertisements and profiles say of themselves (M-62).
CAME_FROM = ("utm_source", "utm_medium", "utm_campaign")
# In the address after a change of the language, so that the same person is not counted as another scan.
SEEN = "seen"
View = Callable[..., HttpResponse]


def of_company(view: View) -> View:
    """Runs a public view in the scope of the company that its address names."""

    @functools.wraps(view)
    def scoped(request: HttpRequest, company: str, **kwargs: Any) -> HttpResponse:
        tenant = active_tenant(company)
        if tenant is None:
            raise Http404
        with tenant_scope(tenant):
            return view(request, tenant, **kwargs)

    return scoped


@never_cache
# Nobody is logged in here, so a forged post does nothing that its sender could not do himself; and it saves a cookie.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@of_company
def sign_up(request: HttpRequest, tenant: Tenant, form_slug: str) -> HttpResponse:
    """The page of a form, and after the box was ticked the way into WhatsApp."""
    form = _forms(tenant).filter(slug=form_slug).exclude(state=SignupForm.State.DRAFT).first()
    if form is None:
        raise Http404
    version = _open_version(form)
    if version is None:
        return _closed(request, tenant)
    language = language_of(request, version)
    place = _place(request, form)
    if request.method != "POST":
        if place and SEEN not in request.GET:
            _count_scan(request, place)
        return form_page(request, form, version, language, SignupPageForm(form, language))
    if visitors.is_too_often(f"signup-tries:{form.pk}:{address_of(request)}", most=MOST_TRIES, within_s=TRIES_S):
        return page(request, tenant, language, "public/too_often.html", {}, status=TOO_MANY)
    filled = SignupPageForm(form, language, request.POST)
    if not filled.is_valid():
        return form_page(request, form, version, language, filled, status=INVALID)
    address = filled.cleaned_data["email"]
    try:
        token = addresses.start(
            form=form,
            address=address,
            is_extra_wanted=filled.cleaned_data["extra"],
            answer=filled.cleaned_data.get("answer", ""),
            language=language,
            visitor=visitor_of(request),
            place=place,
            was_promised=bool(filled.promise_kept),
            chosen=filled.chosen,
            once=filled.cleaned_data["once"],
        )
    except actions.NotOpen:
        # Closed since the page was built.
        return _closed(request, tenant)
    return confirm_page(request, form, language, token, address=address)


def _open_version(form: SignupForm) -> WordingVersion | None:
    """What people agree to on the form's page; None while nobody may be shown it."""
    if form.state != SignupForm.State.LIVE or unlawful(form):
        return None
    return published(form.wording)


def _closed(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    return page(request, tenant, language_of(request, None), "public/closed.html", {}, status=GONE)


def form_page(
    request: HttpRequest,
    form: SignupForm,
    version: WordingVersion,
    language: str,
    filled: SignupPageForm,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """The page with the box; also shown to the company's own staff, with what else `context` says (previews)."""
    extra = published(form.extra_wording) if form.extra_wording else None
    own = showing.texts(form, language, was_promised=bool(filled.promise_kept))
    purposes = {purpose for each in (version, extra) if each for _channel, purpose in each.covers}
    context |= {
        "signup": form,
        "own": own,
        "once": secrets.token_urlsafe(16),
        "promise": filled.promise_kept or (vouchers.promise(form) if own["benefit"].words else ""),
        # Who comes by a poster on which the benefit stands is told before they say yes.
        "is_gone": bool(form.benefit) and not own["benefit"].words,
        "form": filled,
        "wording": version.texts.get(language) or next(iter(version.texts.values())),
        "extra": extra and (extra.texts.get(language) or next(iter(extra.texts.values()))),
        "policy_url": version.policy_url,
        "languages": [code for code in speaking.LANGUAGES if version.texts.get(code)],
        "facts": speaking.facts(form.tenant, language, purposes),
    }
    return page(request, form.tenant, language, "public/sign_up.html", context, status)


@never_cache
@require_safe
@of_company
def direct(request: HttpRequest, tenant: Tenant, form_slug: str, code: str) -> HttpResponse:
    """Leads from the code of a place straight into WhatsApp, where the wording is shown with a button (CG-13).

    A scan is counted, and nothing is known or kept of who scanned (CG-35).
    """
    form = _forms(tenant).filter(slug=form_slug).exclude(state=SignupForm.State.DRAFT).first()
    place = form.places.filter(tenant=tenant, code=code[:12]).first() if form else None
    if form is None or place is None:
        raise Http404
    if _open_version(form) is None:
        return _closed(request, tenant)
    if unspoken(form):
        # The text has become too long to be shown in WhatsApp, and there people would get no answer.
        address = reverse("signup_page", kwargs={"company": tenant.slug, "form_slug": form.slug})
        return redirect(f"{address}?o={place.code}")
    _count_scan(request, place)
    return redirect(signups.keyword_link(form, place))


def confirm_page(request: HttpRequest, form: SignupForm, language: str, token: str, **context: Any) -> HttpResponse:
    """The page behind the box: the way into WhatsApp by link, by code and by hand."""
    message = signups.message(token)
    link = signups.whatsapp_link(form.number, message)
    code = segno.make(link, error="m").svg_inline(scale=QR_SCALE, border=2, omitsize=True)
    number = phones.shown(form.number)
    context |= {"link": link, "message": message, "code": code, "number": number}
    return page(request, form.tenant, language, "public/almost.html", context)


@never_cache
# The token in the address is the right to do it: as easy as it can be (CG-20), and no cookie is needed.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest, token: str) -> HttpResponse:
    """What somebody has said yes to, each with a button that ends it at once."""
    found = preferences.person(token)
    if found is None:
        return _invalid(request)
    with tenant_scope(found.tenant):
        language = language_of(request, None, found.contact.language)
        if request.method == "POST":
            preferences.withdraw(found, request.POST.get("pair", ""), visitor=visitor_of(request))
            return redirect(f"{request.path}?ok=1&lang={language}")
        is_done = "ok" in request.GET
        context = {
            "choices": preferences.choices(found),
            "may_end_all": preferences.may_end_all(found),
            "vouchers": [
                (voucher, *showing.benefit(voucher.form, language)) for voucher in preferences.vouchers(found)
            ],
            "origins": explaining.origins(found.contact, language),
            "topics": topics.choices(found.contact, language),
            "has_chosen": "topics" in request.GET,
            "last_campaign": explaining.last_campaign(found.contact, language),
            "is_done": is_done,
            "has_objected": preferences.has_objected(found),
            "token": token,
            "languages": speaking.LANGUAGES,
        }
        return page(request, found.tenant, language, "public/preferences.html", context)


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def object_(request: HttpRequest, token: str) -> HttpResponse:
    """The objection to all advertising, named apart from everything else (Art. 21 (4) GDPR): asked once, then held."""
    found = preferences.person(token)
    if found is None:
        return _invalid(request)
    with tenant_scope(found.tenant):
        language = language_of(request, None, found.contact.language)
        if request.method == "POST":
            preferences.object_(found, visitor=visitor_of(request))
            return redirect(f"{reverse('preferences', kwargs={'token': token})}?lang={language}")
        context = {"token": token, "languages": speaking.LANGUAGES}
        return page(request, found.tenant, language, "public/object.html", context)


@require_safe
@of_company
def widget(request: HttpRequest, tenant: Tenant, form_slug: str) -> HttpResponse:
    """A script that puts a button to the form's page where its tag stands; it sets nothing and loads nothing."""
    form = _forms(tenant).filter(slug=form_slug, state=SignupForm.State.LIVE).first()
    if form is None:
        raise Http404
    colour = _controller(tenant).brand_color
    context = {
        "url": signups.page_url(form),
        "headline": form.headline,
        "language": form.language,
        "colour": colour,
        "ink": colors.text_on(colour),
    }
    response = render(request, "public/widget.js", context, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "public, max-age=300"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@require_safe
@of_company
def logo(request: HttpRequest, tenant: Tenant, digest: str) -> HttpResponse:
    """The company's logo; its address changes with it, so browsers may keep it."""
    found = queries.logo(tenant)
    if found is None or digest != found.digest:
        raise Http404
    response = HttpResponse(bytes(found.png), content_type="image/png")
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def page(
    request: HttpRequest, tenant: Tenant, language: str, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """A page in the company's name and colour, in this language."""
    controller = _controller(tenant)
    colour = controller.brand_color
    common = {
        "said": speaking.texts(tenant, language),
        "language": language,
        "controller": controller,
        "company": controller.legal_name or tenant.name,
        "slug": tenant.slug,
        "logo": queries.logo(tenant),
        "colour": colour,
        "ink": colors.text_on(colour),
        "kept": _kept(request),
    }
    with translation.override(language):
        response = render(request, template, common | context, status=status)
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _kept(request: HttpRequest) -> str:
    """What of the address goes along when somebody changes the language: the place, and where they came from."""
    kept = {name: request.GET[name][:60] for name in ("o", *CAME_FROM) if request.GET.get(name)}
    if "o" in kept:
        kept[SEEN] = "1"
    return f"&{urlencode(kept)}" if kept else ""


def _invalid(request: HttpRequest) -> HttpResponse:
    language = language_of(request, None)
    said = {"de": {**speaking.DU, **speaking.SIE}, "en": {**speaking.EN}}[language]
    return render(request, "public/invalid.html", {"said": said, "language": language}, status=GONE)


def _forms(tenant: Tenant) -> QuerySet[SignupForm]:
    return tenant.signup_forms.select_related("tenant", "wording", "extra_wording")


def _controller(tenant: Tenant) -> Controller:
    try:
        return tenant.controller
    except Controller.DoesNotExist:
        return Controller(tenant=tenant)


def language_of(request: HttpRequest, version: WordingVersion | None, own: str = "") -> str:
    """The chosen language, else the person's, else the browser's; only one in which there is a text."""
    there = [code for code in speaking.LANGUAGES if version is None or version.texts.get(code)] or ["de"]
    browser = translation.get_language_from_request(request)[:2]
    wanted = (request.GET.get("lang", ""), own[:2].lower(), browser)
    return next((code for code in wanted if code in there), there[0])


def _place(request: HttpRequest, form: SignupForm) -> SignupPlace | None:
    code = request.GET.get("o", "")
    return form.places.filter(tenant=form.tenant_id, code=code[:12]).first() if code else None


def _count_scan(request: HttpRequest, place: SignupPlace) -> None:
    """One more scan, unless a program looks: chats and search engines fetch an address to preview it."""
    if visitors.is_person(request):
        actions.scanned(place)


def visitor_of(request: HttpRequest) -> dict[str, str]:
    """What proves by which way a declaration came; kept encrypted, with the declaration only."""
    return {
        "ip": address_of(request),
        "user_agent": request.headers.get("User-Agent", "")[:300],
        "page": request.build_absolute_uri(request.path),
        "campaign": " / ".join(filter(None, (request.GET.get(name, "")[:60] for name in CAME_FROM))),
    }
