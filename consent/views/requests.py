"""The screens of requests about data: the register with its deadlines, a new request, and one with its steps."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from consent import queries
from consent.actions import requests as actions
from consent.forms.requests import (
    AnswerForm,
    CorrectionForm,
    ExtensionForm,
    IdentityForm,
    ReachedForm,
    RequestForm,
    StrangerForm,
)
from consent.models import DataRequest
from consent.rights import strangers
from contacts import queries as people
from contacts.actions import ContactData
from contacts.models import Contact
from tenants.pages import STOP_POLLING, Question, TenantRequest, page_of, requires, search_of, to_search

INVALID = 422
PER_PAGE = 25
MOST_PEOPLE = 20
State = DataRequest.State


UNBLOCK = Question(
    gettext_lazy("Delete the entry on the suppression list"),
    gettext_lazy(
        "Only if the person explicitly wants it: after that nobody recognises their number any more, and a later import"
        " may bring them back. This cannot be undone."
    ),
    gettext_lazy("Delete the entry"),
)


@require_http_methods(["GET", "POST"])
@requires("consent:read")
def listing(request: TenantRequest) -> HttpResponse:
    """The register: what waits first, the most urgent on top; `all=1` shows what is over too."""
    if request.method == "POST":
        return to_search(request)
    is_all, search = bool(request.GET.get("all")), search_of(request)
    # Whoever looks for somebody means what is over as well.
    found = queries.requests(request.tenant, only_open=not is_all and not search, search=search)
    context = {
        "page": page_of(found, request, size=PER_PAGE),
        "is_all": is_all,
        "search": search,
        "overdue": queries.overdue(request.tenant),
        "has_any": request.tenant.data_requests.exists(),
    }
    return render(request, "consent/requests.html", context)


@require_http_methods(["GET", "POST"])
@requires("consent:write")
def new(request: TenantRequest, uid: uuid.UUID | None = None) -> HttpResponse:
    """Find the person by phone, e-mail, name or customer number, then note what they asked for.

    With a `uid` it is the person of that request, who was known by a name only.
    """
    if "q" in request.POST:
        return to_search(request)
    asked = _request(request, uid) if uid else None
    if "stranger" in request.POST:
        return _of_stranger(request, asked)
    contact = _chosen(request)
    if request.method == "POST" and contact and asked:
        return _change(request, asked, actions.identify, contact=contact)
    if request.method == "POST" and contact:
        form = RequestForm(request.POST)
        if form.is_valid():
            return _to(request, _taken(request, contact, form))
        return render(request, "consent/request_new.html", {"contact": contact, "form": form}, status=INVALID)
    search = search_of(request)
    known = request.tenant.contacts.order_by("-pk")
    found = list(people.search(known, search)[: MOST_PEOPLE + 1]) if search else []
    context = {
        "asked": asked,
        "contact": contact,
        "form": RequestForm(initial={"kind": request.GET.get("kind", "")}) if contact else None,
        "search": search,
        "found": found[:MOST_PEOPLE],
        "is_cut": len(found) > MOST_PEOPLE,
    }
    return render(request, "consent/request_new.html", context)


def _of_stranger(request: TenantRequest, asked: DataRequest | None) -> HttpResponse:
    """First comes what was searched for, in a field and in no address, which logs would keep; then the whole form."""
    sent = request.POST if {"kind", "phone"} & request.POST.keys() else None
    named = _fitting(request.POST["stranger"].strip())
    form = ReachedForm(sent, initial=named) if asked else StrangerForm(sent, initial=named)
    if form.is_valid():
        try:
            if isinstance(form, StrangerForm):
                return _to(request, _taken(request, None, form, is_stranger=True, **form.who))
            if asked:
                actions.identify(request=asked, by=request.user, **form.cleaned_data)
                return _to(request, asked)
        except actions.NotNow as refusal:
            messages.warning(request, str(refusal))
        except ValidationError as refused:
            form.refuse(refused)
    context = {"asked": asked, "form": form, "is_stranger": True}
    return render(request, "consent/request_new.html", context, status=INVALID if form.errors else 200)


def _fitting(given: str) -> dict[str, str]:
    """What was searched for, by the field that it fits; what holds digits and is no number is no name either."""
    if "@" in given:
        return {"email": given}
    if people.is_number(given):
        return {"phone": given}
    return {} if any(sign.isdecimal() for sign in given) else {"name": given}


@require_GET
@requires("consent:read")
def show(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """One request: who checked what, what was done, until when it is to be answered; polled while a worker is at it."""
    found = _request(request, uid)
    if request.htmx:
        status = 200 if found.state == State.WORKING else STOP_POLLING
        return render(request, "consent/request.html#live", _context(request, found), status=status)
    return render(request, "consent/request.html", _context(request, found))


@require_POST
@requires("consent:write")
def note(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Save how the identity was checked."""
    found, form = _request(request, uid), IdentityForm(request.POST)
    if not form.is_valid():
        return render(request, "consent/request.html", _context(request, found, identity=form), status=INVALID)
    return _change(request, found, actions.note, **form.cleaned_data)


@require_POST
@requires("consent:write")
def also(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Note the same request for the person's other contacts."""
    return _change(request, _request(request, uid), actions.take_for_others)


@require_POST
@requires("consent:write")
def run(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Carry it out; an erasure once somebody has confirmed it, `alone` without the person's other contacts.

    With them it takes the `others` that the question named.
    """
    found, alone = _request(request, uid), request.POST.get("alone", "")
    if found.kind == DataRequest.Kind.ERASURE and found.contact and not request.POST.get("confirmed"):
        others = actions.other_contacts(found)
        fields = {"alone": "1"} if alone else {"others": _named(others)}
        question = _erasing(others, is_alone=bool(alone))
        context = {"question": question, "back": _address(request, found), "fields": fields}
        return render(request, "confirm.html", context)
    return _change(request, found, actions.run, others=None if alone else request.POST.get("others", "").split())


@require_POST
@requires("consent:write")
def correct(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Correct the contact's data, which carries out a rectification."""
    found = _request(request, uid)
    if found.contact is None:
        return _to(request, found)
    form = CorrectionForm(found.contact, request.POST)
    form.is_valid()
    try:
        actions.correct(request=found, data=ContactData(form.values), by=request.user)
    except actions.NotNow as refusal:
        messages.warning(request, str(refusal))
    except ValidationError as refused:
        form.refuse(refused)
        return render(request, "consent/request.html", _context(request, found, correction=form), status=INVALID)
    return _to(request, found)


@require_POST
@requires("consent:write")
def lift(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """End the restriction."""
    return _change(request, _request(request, uid), actions.lift)


@require_POST
@requires("consent:write")
def extend(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Two more months for the answer, with the reason."""
    found, form = _request(request, uid), ExtensionForm(request.POST)
    if not form.is_valid():
        return render(request, "consent/request.html", _context(request, found, extension=form), status=INVALID)
    return _change(request, found, actions.extend, **form.cleaned_data)


@require_POST
@requires("consent:write")
def close(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Note what the person was told; `refused` refuses the request."""
    found, form = _request(request, uid), AnswerForm(request.POST)
    is_refused = bool(request.POST.get("refused"))
    try:
        if form.is_valid():
            answer = form.cleaned_data["answer"]
            actions.close(request=found, answer=answer, by=request.user, is_refused=is_refused)
            return _to(request, found)
    except actions.NotNow as refusal:
        messages.warning(request, str(refusal))
        return _to(request, found)
    except ValidationError as refused:
        form.refuse(refused)
    return render(request, "consent/request.html", _context(request, found, answer=form), status=INVALID)


@require_GET
@requires("evidence:read")
def download(request: TenantRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The export as ZIP, for those who may see what proves consents: it holds all of it (consent-gdpr § 10)."""
    found = _request(request, uid)
    if not found.file:
        messages.info(request, _("The export was deleted after seven days. Build it again if it is still needed."))
        return _to(request, found)
    actions.file_taken(request=found, by=request.user)
    name = _("data export {day}.zip").format(day=timezone.localdate(found.carried_out_at).isoformat())
    return FileResponse(found.file.open("rb"), as_attachment=True, filename=name)


@require_POST
@requires("consent:write")
def unblock(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Delete the entry on the suppression list that an erasure has left, once somebody has confirmed it."""
    found = _request(request, uid)
    if not request.POST.get("confirmed"):
        return render(request, "confirm.html", {"question": UNBLOCK, "back": _address(request, found)})
    return _change(request, found, actions.drop_block)


def _request(request: TenantRequest, uid: uuid.UUID) -> DataRequest:
    rows = request.tenant.data_requests.select_related("contact", "tenant", "created_by", "done_by")
    return get_object_or_404(rows, uid=uid)


def _chosen(request: TenantRequest) -> Contact | None:
    named = request.GET.get("contact") or request.POST.get("contact")
    try:
        chosen = named and uuid.UUID(named)
    except ValueError:
        return None
    return get_object_or_404(request.tenant.contacts.select_related("tenant"), uid=chosen) if chosen else None


def _taken(request: TenantRequest, contact: Contact | None, form: RequestForm, **who: Any) -> DataRequest:
    given = form.cleaned_data
    return actions.take(
        tenant=request.tenant,
        contact=contact,
        kind=given["kind"],
        received_at=form.received_at,
        checked_by=given["checked_by"],
        note=given["note"],
        by=request.user,
        **who,
    )


def _context(request: TenantRequest, found: DataRequest, **invalid: forms.Form) -> dict[str, Any]:
    told = {"checked_by": found.checked_by, "note": found.note}
    others = actions.other_contacts(found)
    is_correction = found.kind == DataRequest.Kind.RECTIFICATION and found.contact and not found.is_over
    return {
        "found": found,
        "contact": found.contact,
        "others": others,
        "traces": strangers.told(found),
        "identity": IdentityForm(initial=told),
        "extension": ExtensionForm(),
        "answer": AnswerForm(),
        "correction": CorrectionForm(found.contact) if is_correction and found.contact else None,
        "needs_identity": found.kind in actions.NEEDS_IDENTITY and not found.checked_by and not found.named,
        "may_write": request.membership.may("consent:write"),
        "may_take": request.membership.may("evidence:read"),
        "question": _erasing(others),
        "named": _named(others),
        "alone": _erasing(others, is_alone=True) if others else None,
        "unblock": UNBLOCK if found.has_droppable_block else None,
        **invalid,
    }


def _named(others: Sequence[Contact]) -> str:
    return " ".join(str(other.uid) for other in others)


def _erasing(others: Sequence[Contact], *, is_alone: bool = False) -> Question:
    told = _(
        "Master data, messages, orders and files that name the person are deleted. This cannot be undone. A keyed"
        " hash of number and address stays, so that they are not written to again."
    )
    if others:
        names = ", ".join(str(other) for other in others)
        stays = _("Another contact of this person stays as it is, and is not named here again: %(names)s.")
        told += " " + (stays if is_alone else _("Other contacts of this person are erased with it: %(names)s.")) % {
            "names": names
        }
    return Question(
        _("Erase this person’s data"),
        told,
        _("Erase for good"),
        "btn-danger",
    )


def _change(request: TenantRequest, found: DataRequest, action: Callable[..., Any], **given: Any) -> HttpResponse:
    try:
        action(request=found, by=request.user, **given)
    except actions.NotNow as refusal:
        messages.warning(request, str(refusal))
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    return _to(request, found)


def _address(request: TenantRequest, found: DataRequest) -> str:
    return str(_to(request, found).headers["Location"])


def _to(request: TenantRequest, found: DataRequest) -> HttpResponse:
    return redirect("data_request", tenant_slug=request.tenant.slug, uid=found.uid)
