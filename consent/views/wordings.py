"""The screens of consent texts: all of them, one with its versions, the editor with its linter."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from consent import comparing, linting, queries
from consent.actions import wordings as actions
from consent.forms.wordings import InvalidForm, WordingForm
from consent.models import Wording, WordingVersion
from consent.starters import STARTERS
from tenants.pages import STOP_POLLING, Question, TenantRequest, page_of, requires

State = WordingVersion.State
INVALID = 422
PER_PAGE = 50
# As over the API: who records consents does not change what they are to.
WRITE = "wordings:write"
LANGUAGES = (("de", gettext_lazy("German")), ("en", gettext_lazy("English")))


PUBLISH = Question(
    gettext_lazy("Publish this version"),
    gettext_lazy(
        "From then on people agree to exactly this text, and nobody can change it. You can write the next version at"
        " any time."
    ),
    gettext_lazy("Publish"),
    "btn-primary",
)
DISCARD = Question(
    gettext_lazy("Discard the draft"),
    gettext_lazy("The draft is deleted. Published versions stay as they are."),
    gettext_lazy("Discard the draft"),
)
RETIRE = Question(
    gettext_lazy("Retire this version"),
    gettext_lazy("Nobody is offered it any more. Consents already given stay valid."),
    gettext_lazy("Retire this version"),
)


def asks(question: Question) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Does nothing before somebody has said yes to the question: in the dialog, or on a page without scripts."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: TenantRequest, uid: uuid.UUID, **kwargs: Any) -> HttpResponse:
            if request.POST.get("confirmed"):
                return view(request, uid, **kwargs)
            back = _to(request, _wording(request, uid).uid).headers["Location"]
            return render(request, "confirm.html", {"question": question, "back": back})

        return guarded

    return decorate


def when_it_can_be_done(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """What a version's state does not allow any more is told on the wording's page."""

    @wraps(view)
    def guarded(request: TenantRequest, uid: uuid.UUID, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, uid, **kwargs)
        except actions.NotNow as refusal:
            messages.warning(request, str(refusal))
            return _to(request, uid)

    return guarded


@require_GET
@requires("consent:read")
def wordings(request: TenantRequest) -> HttpResponse:
    """Every consent text with what is in use of it."""
    page = page_of(request.tenant.wordings.prefetch_related("versions").order_by("name"), request, size=PER_PAGE)
    rows = [_row(wording) for wording in page]
    context = {"page": page, "rows": rows, "company": queries.controller_of(request.tenant), "tab": "wordings"}
    return render(request, "consent/wordings.html", context)


@require_http_methods(["GET", "POST"])
@requires(WRITE)
def new(request: TenantRequest) -> HttpResponse:
    """Write a new text, from one of ours or from nothing."""
    if request.method == "POST":
        form = WordingForm(request.POST)
        if form.is_valid() and (version := _created(request, form)):
            return _to(request, version.wording.uid)
        return _editor(request, form, status=INVALID)
    return _editor(request, _from_starter(request, request.GET.get("starter", "marketing")))


@require_POST
@requires("consent:read")
def lint(request: TenantRequest) -> HttpResponse:
    """Which duties the text leaves open as it stands in the editor; asked by htmx while somebody types."""
    form = WordingForm(request.POST)
    found = linting.findings(form.draft(queries.controller_of(request.tenant)))
    return render(request, "consent/_findings.html", {"findings": found, "is_typed": True})


@require_GET
@requires("consent:read")
def show(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """One text with its versions; polled by htmx while yeses to an invalid one are being ended."""
    wording = _wording(request, uid)
    versions = list(
        wording.versions.select_related("published_by", "published_by_key", "wording", "tenant")
        .prefetch_related("invalidations")
        .order_by("-number")
    )
    running = [last for version in versions if (last := _last(version)) and last.finished_at is None]
    context = {
        "wording": wording,
        "versions": versions,
        "draft": versions[0] if versions[0].state == State.DRAFT else None,
        "published": [version for version in versions if version.state != State.DRAFT],
        "is_moving": bool(running),
        "asks": {"publish": PUBLISH, "discard": DISCARD, "retire": RETIRE},
        "percent": min((one.percent for one in running), default=100),
        "tab": "wordings",
        **_compared(request, versions),
    }
    if request.htmx:
        # The last poll still swaps, so that the end shows.
        status = 200 if running else STOP_POLLING
        return render(request, "consent/wording.html#versions", context, status=status)
    if context["draft"]:
        context["findings"] = linting.findings(queries.draft_of(versions[0], queries.controller_of(request.tenant)))
    return render(request, "consent/wording.html", context)


@require_http_methods(["GET", "POST"])
@requires(WRITE)
@when_it_can_be_done
def draft(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Edit the draft of a text."""
    version = _draft(request, uid)
    if request.method == "GET":
        return _editor(request, WordingForm.of(version), version)
    form = WordingForm(request.POST)
    if form.is_valid():
        try:
            actions.save_draft(version=version, by=request.user, **form.values)
        except ValidationError as refused:
            form.refuse(refused)
        else:
            return _to(request, uid)
    return _editor(request, form, version, status=INVALID)


@require_POST
@requires(WRITE)
def revise(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Start the next version, or go on with the draft there is."""
    actions.revise(wording=_wording(request, uid), by=request.user)
    return redirect("wording_draft", tenant_slug=request.tenant.slug, uid=uid)


@require_POST
@requires(WRITE)
@asks(DISCARD)
@when_it_can_be_done
def discard(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Delete the draft; a text that was never published goes with it."""
    actions.discard(version=_draft(request, uid), by=request.user)
    messages.success(request, _("The draft was discarded."))
    is_left = request.tenant.wordings.filter(uid=uid).exists()
    return _to(request, uid) if is_left else redirect(reverse("wordings", args=[request.tenant.slug]))


@require_POST
@requires(WRITE)
@asks(PUBLISH)
@when_it_can_be_done
def publish(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Let people agree to the draft from now on."""
    try:
        version = actions.publish(version=_draft(request, uid), by=request.user)
    except actions.NotPublishable:
        messages.error(request, _("Not published: the text leaves duties open. They stand below, with the remedy."))
    else:
        told = _("Version %(number)s is published. From now on nobody can change it.")
        messages.success(request, told % {"number": version.number})
    return _to(request, uid)


@require_POST
@requires(WRITE)
@asks(RETIRE)
@when_it_can_be_done
def retire(request: TenantRequest, uid: uuid.UUID, number: int) -> HttpResponse:
    """Offer a version to nobody any more."""
    actions.retire(version=_version(request, uid, number), by=request.user)
    messages.success(request, _("Nobody is offered this version any more. Consents already given stay valid."))
    return _to(request, uid)


@require_http_methods(["GET", "POST"])
@requires(WRITE)
@when_it_can_be_done
def invalid(request: TenantRequest, uid: uuid.UUID, number: int) -> HttpResponse:
    """Say whom it would concern, ask why, and declare a version invalid."""
    version = _version(request, uid, number)
    form = InvalidForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        actions.declare_invalid(version=version, reason=form.cleaned_data["reason"], by=request.user)
        messages.success(
            request,
            _("Version %(number)s is invalid. Nothing is sent on its strength any more.") % {"number": version.number},
        )
        return _to(request, uid)
    context = {"wording": version.wording, "version": version, "form": form, "people": queries.resting_on(version)}
    return render(request, "consent/wording_invalid.html", context, status=INVALID if form.errors else 200)


def _wording(request: TenantRequest, uid: uuid.UUID) -> Wording:
    return get_object_or_404(request.tenant.wordings.select_related("tenant"), uid=uid)


def _version(request: TenantRequest, uid: uuid.UUID, number: int) -> WordingVersion:
    versions = request.tenant.wording_versions.select_related("wording", "tenant")
    return get_object_or_404(versions, wording__uid=uid, number=number)


def _draft(request: TenantRequest, uid: uuid.UUID) -> WordingVersion:
    versions = request.tenant.wording_versions.select_related("wording", "tenant").filter(
        wording=_wording(request, uid)
    )
    found = versions.filter(published_at=None).first()
    if found is None:
        raise actions.NotNow(_("There is no draft any more: it was published or discarded meanwhile."))
    return found


def _last(version: WordingVersion) -> Any:
    """The invalidation of a version, which shows how far it is; None for a valid one."""
    version.invalidation = next(iter(version.invalidations.all()), None)  # type: ignore[attr-defined]
    return version.invalidation  # type: ignore[attr-defined]


def _row(wording: Wording) -> dict[str, Any]:
    versions = sorted(wording.versions.all(), key=lambda version: -version.number)
    in_use = next((version for version in versions if version.state == State.IN_USE), None)
    return {"wording": wording, "in_use": in_use, "latest": versions[0], "has_draft": versions[0].state == State.DRAFT}


def _created(request: TenantRequest, form: WordingForm) -> WordingVersion | None:
    """The new draft; None when the action has refused and the form says why."""
    try:
        return actions.create(tenant=request.tenant, by=request.user, **form.values)
    except ValidationError as refused:
        form.refuse(refused)
        return None


def _from_starter(request: TenantRequest, key: str) -> WordingForm:
    starter = STARTERS.get(key)
    if starter is None:
        return WordingForm()
    texts = starter.texts(queries.controller_of(request.tenant))
    initial = {f"text_{language}": text for language, text in texts.items()}
    covers = [":".join(pair) for pair in starter.covers]
    return WordingForm(initial=initial | {"name": starter.name, "covers": covers})


def _editor(
    request: TenantRequest, form: WordingForm, version: WordingVersion | None = None, status: int = 200
) -> HttpResponse:
    company = queries.controller_of(request.tenant)
    context = {
        "form": form,
        "version": version,
        "company": company,
        "starters": STARTERS.values(),
        "starter": request.GET.get("starter", "marketing"),
        "findings": linting.findings(form.draft(company)),
    }
    return render(request, "consent/wording_edit.html", context, status=status)


def _compared(request: TenantRequest, versions: list[WordingVersion]) -> dict[str, Any]:
    """What has changed between two versions: those asked for, else the last two."""
    by_number = {str(version.number): version for version in versions}
    if len(versions) < 2:
        return {}
    new = by_number.get(request.GET.get("new", ""), versions[0])
    old = by_number.get(request.GET.get("old", ""), versions[1])
    texts = [
        (label, comparing.compared(old.texts.get(language, ""), new.texts.get(language, "")))
        for language, label in LANGUAGES
        if old.texts.get(language) or new.texts.get(language)
    ]
    was, now = old.pair_labels, new.pair_labels
    return {
        "old": old,
        "new": new,
        "compared": texts,
        "covers_gone": [label for label in was if label not in now],
        "covers_new": [label for label in now if label not in was],
    }


def _to(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    return redirect("wording", tenant_slug=request.tenant.slug, uid=uid)
