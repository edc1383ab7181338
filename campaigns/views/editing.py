"""The campaign wizard: name, audience, message, each saved as it is entered."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from campaigns import actions, contents, queries
from campaigns.forms import AudienceForm, ContentForm, NameForm, TemplateForm
from campaigns.models import Campaign, Variant
from tenants.models import Tenant
from tenants.pages import TenantRequest, requires
from whatsapp.models import Template

EDITABLE = (Campaign.State.DRAFT, Campaign.State.SCHEDULED)
INVALID = 422
ATTRIBUTE_SAMPLE = 200


def while_editable(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A campaign that somebody launched meanwhile shows its report instead of being changed."""

    @wraps(view)
    def guarded(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
        try:
            return view(request, uid)
        except actions.WrongState as wrong:
            messages.warning(request, str(wrong))
            report = reverse("campaign_report", kwargs={"tenant_slug": request.tenant.slug, "uid": uid})
            # An autosave leaves the page, too, instead of showing the report in place of the preview.
            return HttpResponseClientRedirect(report) if request.htmx else redirect(report)

    return guarded


@require_http_methods(["GET", "POST"])
@requires("campaigns:write")
def new(request: TenantRequest) -> HttpResponse:
    """Ask for a name; from then on the draft exists and nothing gets lost."""
    form = NameForm(request.tenant, request.POST or None)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        campaign = actions.create(
            tenant=request.tenant, name=chosen["name"], purpose=chosen["purpose"], by=request.user
        )
        if chosen["number"]:
            actions.update(campaign=campaign, by=request.user, number=chosen["number"])
        return _to(request, "campaign_audience", campaign)
    return render(request, "campaigns/name.html", {"form": form, "step": "name"}, status=_status(form))


@require_http_methods(["GET", "POST"])
@requires("campaigns:write")
@while_editable
def name(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Rename the draft, choose its number or what it is for."""
    campaign = editable(request, uid)
    initial = {"name": campaign.name, "purpose": campaign.purpose} | (
        {"number": campaign.number.uid} if campaign.number else {}
    )
    form = NameForm(request.tenant, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        actions.update(campaign=campaign, by=request.user, **form.cleaned_data)
        if not request.htmx:
            return _to(request, "campaign_audience", campaign)
    if request.htmx:
        return render(request, "campaigns/_saved.html", {"is_saved": form.is_valid()})
    return _page(request, "name", campaign, {"form": form}, _status(form))


@require_http_methods(["GET", "POST"])
@requires("campaigns:write")
@while_editable
def audience(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Choose lists and segments; every change answers with how many people that reaches, and why not the others."""
    campaign = editable(request, uid)
    form = AudienceForm(campaign, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        actions.set_audience(campaign=campaign, by=request.user, **form.cleaned_data)
        if not request.htmx:
            return _to(request, "campaign_message", campaign)
    context = {"form": form, "estimate": queries.estimate(campaign) if counts_now(request) else None}
    if request.htmx:
        return render(
            request, "campaigns/audience.html#estimate", {**context, "campaign": campaign, "is_saved": form.is_valid()}
        )
    return _page(request, "audience", campaign, context, _status(form))


@require_http_methods(["GET", "POST"])
@requires("campaigns:write")
@while_editable
def message(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Fill the chosen template; while typing unfinished entries are kept, going on demands all of them."""
    campaign = editable(request, uid)
    variant = _variant(campaign)
    if variant is None or variant.template is None:
        return _page(request, "message", campaign, _message_context(request, campaign, None))
    form = ContentForm(
        variant.template,
        request.POST if request.method == "POST" else None,
        variables=variant.variables,
        attributes=_attributes(request.tenant),
        is_draft=bool(request.htmx),
    )
    if request.method == "POST" and form.is_valid():
        actions.set_content(campaign=campaign, by=request.user, template=variant.template, variables=form.variables())
        if not request.htmx:
            return _to(request, "campaign_review", campaign)
    context = _message_context(request, campaign, form)
    if request.htmx:
        context["is_saved"] = form.is_valid()
        return render(request, "campaigns/message.html#preview", {**context, "campaign": campaign})
    return _page(request, "message", campaign, context, _status(form))


@require_POST
@requires("campaigns:write")
@while_editable
def template(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Choose the template; entries of another one make no sense for it and are dropped."""
    campaign = editable(request, uid)
    form = TemplateForm(request.tenant, request.POST)
    if form.is_valid():
        chosen = form.cleaned_data["template"]
        current = _variant(campaign)
        if current is None or current.template != chosen:
            actions.set_content(campaign=campaign, by=request.user, template=chosen, variables={})
    else:
        messages.error(request, " ".join(str(error) for error in form.errors["template"]))
    return _to(request, "campaign_message", campaign)


@require_GET
@requires("campaigns:read")
def missing(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """How many people of the audience lack what the message says of them."""
    campaign = get_object_or_404(request.tenant.campaigns.all(), uid=uid)
    context = {"campaign": campaign, "missing": queries.missing_values(campaign)}
    return render(request, "campaigns/message.html#missing", context)


@require_GET
@requires("campaigns:read")
def preview(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """The message as the next or previous real contact of the audience will read it."""
    campaign = get_object_or_404(request.tenant.campaigns.all(), uid=uid)
    return render(request, "campaigns/message.html#preview", {"campaign": campaign, **_preview(request, campaign)})


def counts_now(request: TenantRequest) -> bool:
    """Whether an answer waits until the audience is counted, which takes seconds for a million people.

    A page does not: it fetches its numbers itself once it is there, or on a click where no script runs.
    """
    return bool(request.htmx) or "counted" in request.GET


def editable(request: TenantRequest, uid: uuid.UUID) -> Campaign:
    """The campaign, if it can still be changed; WrongState once it was launched, 404 for one of another tenant."""
    campaign = get_object_or_404(request.tenant.campaigns.select_related("number__account"), uid=uid)
    if campaign.state not in EDITABLE:
        raise actions.WrongState(_("This campaign was launched and cannot be changed any more. Duplicate it instead."))
    return campaign


def _message_context(request: TenantRequest, campaign: Campaign, form: ContentForm | None) -> dict[str, Any]:
    chosen = getattr(_variant(campaign), "template", None)
    return {
        "form": form,
        "templates": _templates(campaign),
        "chosen": chosen,
        "obstacles": contents.obstacles(chosen) if chosen else [],
        **_preview(request, campaign),
    }


def _preview(request: TenantRequest, campaign: Campaign) -> dict[str, Any]:
    people = queries.preview_contacts(campaign)
    asked = request.GET.get("contact") or request.POST.get("contact") or "0"
    at = int(asked) % len(people) if asked.isdecimal() and people else 0
    contact = people[at] if people else None
    return {
        "contact": contact,
        "at": at,
        "previous": (at - 1) % max(1, len(people)),
        "next": (at + 1) % max(1, len(people)),
        "sample_size": len(people),
        "preview": queries.preview(campaign, contact),
        "missing": queries.missing_values(campaign) if "counted" in request.GET else None,
    }


def _variant(campaign: Campaign) -> Variant | None:
    return campaign.variants.select_related("template").filter(number=0).first()


def _templates(campaign: Campaign) -> QuerySet[Template]:
    """What can be sent: approved templates, of the sending number's account once it is chosen."""
    approved = campaign.tenant.templates.filter(status=Template.Status.APPROVED).order_by("name", "language", "id")
    return approved.filter(account=campaign.number.account_id) if campaign.number else approved


def _attributes(tenant: Tenant) -> list[str]:
    """Attribute names in use, as the newest contacts have them."""
    newest = tenant.contacts.order_by("-id").values_list("attributes", flat=True)[:ATTRIBUTE_SAMPLE]
    return sorted({key for attributes in newest for key in attributes})


def _page(
    request: TenantRequest, step: str, campaign: Campaign, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    return render(request, f"campaigns/{step}.html", {**context, "campaign": campaign, "step": step}, status=status)


def _to(request: TenantRequest, view: str, campaign: Campaign) -> HttpResponse:
    address = reverse(view, kwargs={"tenant_slug": request.tenant.slug, "uid": campaign.uid})
    if request.htmx:
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)


def _status(form: Any) -> int:
    return INVALID if form.is_bound and not form.is_valid() else 200
