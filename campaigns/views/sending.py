"""Reviewing a campaign, starting it now or later, and holding, stopping or copying it."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns import actions, preflight, queries
from campaigns.forms import ScheduleForm
from campaigns.models import Campaign
from campaigns.views.editing import INVALID, counts_now, editable, while_editable
from tenants.pages import Question, TenantRequest, requires
from tenants.templatetags.formats import number

# Which page fixes what a problem names.
STEPS = {
    "name": "campaign_name",
    "number": "campaign_name",
    "audience": "campaign_audience",
    "template": "campaign_message",
    "variables": "campaign_message",
    "content": "campaign_message",
}


@require_GET
@requires("campaigns:read")
@while_editable
def review(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Everything that is checked before sending; and, once they are counted, how many people get it and the button."""
    campaign = editable(request, uid)
    template = "campaigns/review.html#checked" if request.htmx else "campaigns/review.html"
    context = _review(request, campaign, ScheduleForm(request.tenant), is_counted=counts_now(request))
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
@requires("campaigns:send")
@while_editable
def launch(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Start sending now, once somebody has confirmed it; what stands in the way is listed on the review page."""
    campaign = editable(request, uid)
    if request.method == "GET":
        return redirect("campaign_review", tenant_slug=request.tenant.slug, uid=uid)
    if not request.POST.get("confirmed"):
        question, back = _launching(queries.estimate(campaign).reachable), _url(request, "campaign_review", uid=uid)
        return render(request, "confirm.html", {"question": question, "back": back})
    try:
        actions.launch(campaign=campaign, by=request.user)
    except actions.CannotLaunch as cannot:
        return _refused(request, campaign, cannot)
    messages.success(request, _("The campaign is being sent."))
    return redirect("campaign_report", tenant_slug=request.tenant.slug, uid=campaign.uid)


@require_http_methods(["GET", "POST"])
@requires("campaigns:send")
@while_editable
def schedule(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Start at a local time; its address stays in the bar after a refusal, so opening it shows the review again."""
    campaign = editable(request, uid)
    if request.method == "GET":
        return redirect("campaign_review", tenant_slug=request.tenant.slug, uid=uid)
    form = ScheduleForm(request.tenant, request.POST)
    if not form.is_valid():
        return render(request, "campaigns/review.html", _review(request, campaign, form), status=INVALID)
    try:
        actions.schedule(
            campaign=campaign, local=form.cleaned_data["local"], timezone=request.tenant.timezone, by=request.user
        )
    except actions.CannotLaunch as cannot:
        return _refused(request, campaign, cannot)
    messages.success(request, _("The campaign is scheduled."))
    if form.is_twice:
        messages.info(
            request,
            _("This time comes twice, because the clocks go back that night. The campaign starts the first time."),
        )
    return redirect("campaigns", tenant_slug=request.tenant.slug)


@require_POST
@requires("campaigns:send")
@while_editable
def unschedule(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Take the time away again: a draft that starts only by hand."""
    campaign = editable(request, uid)
    actions.unschedule(campaign=campaign, by=request.user)
    messages.success(request, _("The campaign is a draft again."))
    return redirect("campaign_review", tenant_slug=request.tenant.slug, uid=uid)


@require_POST
@requires("campaigns:send")
def pause(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Hold a running campaign; what has been handed to Meta still arrives."""
    return _change(request, uid, actions.pause, _("Paused. Nothing more is sent until you resume."))


@require_POST
@requires("campaigns:send")
def resume(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Go on with a paused campaign, once somebody has confirmed how many messages that sends."""
    campaign = get_object_or_404(request.tenant.campaigns.all(), uid=uid)
    waiting = queries.waiting(campaign)
    if waiting and not request.POST.get("confirmed"):
        context = {"question": _resuming(campaign, waiting), "back": _origin(request, uid)}
        return render(request, "confirm.html", context)
    return _change(request, uid, actions.resume, _("Sending goes on, for 24 hours at most."))


@require_POST
@requires("campaigns:send")
def cancel(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Stop for good, once somebody has confirmed it: what has not been sent never will be."""
    if not request.POST.get("confirmed"):
        question = _cancelling(get_object_or_404(request.tenant.campaigns.all(), uid=uid))
        return render(request, "confirm.html", {"question": question, "back": _origin(request, uid)})
    return _change(request, uid, actions.cancel, _("Cancelled. What was not sent yet stays unsent."))


@require_POST
@requires("campaigns:write")
def duplicate(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """A draft with the same audience and content."""
    campaign = get_object_or_404(request.tenant.campaigns.all(), uid=uid)
    copy = actions.duplicate(campaign=campaign, by=request.user)
    messages.success(request, _("Copied. The copy is a draft."))
    return redirect("campaign_name", tenant_slug=request.tenant.slug, uid=copy.uid)


def _launching(reachable: int) -> Question:
    shown = {"shown": number(reachable)}
    text = ngettext(
        "%(shown)s contact receives it now. What has been sent cannot be recalled.",
        "%(shown)s contacts receive it now. What has been sent cannot be recalled.",
        reachable,
    )
    yes = ngettext("Send %(shown)s message", "Send %(shown)s messages", reachable)
    return Question(_("Send the campaign"), text % shown, yes % shown, "btn-primary")


def _resuming(campaign: Campaign, waiting: int) -> Question:
    title = _("Resume “%(name)s”") % {"name": campaign.name}
    text = ngettext(
        "%(shown)s message is still waiting and goes out now. Sending ends after 24 hours.",
        "%(shown)s messages are still waiting and go out now. Sending ends after 24 hours.",
        waiting,
    )
    return Question(title, text % {"shown": number(waiting)}, _("Resume"), "btn-primary")


def _cancelling(campaign: Campaign) -> Question:
    return Question(
        _("Cancel “%(name)s”") % {"name": campaign.name},
        _("What has not been sent yet will never be sent. This cannot be undone."),
        _("Cancel campaign"),
        "btn-danger",
    )


def _change(request: TenantRequest, uid: uuid.UUID, action: Callable[..., Any], done: str) -> HttpResponse:
    campaign = get_object_or_404(request.tenant.campaigns.all(), uid=uid)
    try:
        action(campaign=campaign, by=request.user)
    except actions.WrongState as wrong:
        messages.warning(request, str(wrong))
    else:
        messages.success(request, done)
    return redirect(_origin(request, uid))


def _origin(request: TenantRequest, uid: uuid.UUID) -> str:
    """The page whose button was pressed: the campaign's report or the list."""
    if request.POST.get("next") == "report":
        return _url(request, "campaign_report", uid=uid)
    return _url(request, "campaigns")


def _url(request: TenantRequest, name: str, **kwargs: Any) -> str:
    return reverse(name, kwargs={"tenant_slug": request.tenant.slug, **kwargs})


def _refused(request: TenantRequest, campaign: Campaign, cannot: actions.CannotLaunch) -> HttpResponse:
    context = _review(request, campaign, ScheduleForm(request.tenant)) | {"problems": _linked(cannot.problems)}
    return render(request, "campaigns/review.html", context, status=INVALID)


def _review(
    request: TenantRequest, campaign: Campaign, form: ScheduleForm, *, is_counted: bool = True
) -> dict[str, Any]:
    estimate = queries.estimate(campaign) if is_counted else None
    checks = preflight.checks(campaign, estimate)
    contact = next(iter(queries.preview_contacts(campaign, limit=1)), None)
    return {
        "campaign": campaign,
        "step": "review",
        "form": form,
        "checks": _linked(checks),
        "is_ready": all(check.ok for check in checks),
        "estimate": estimate,
        "question": _launching(estimate.reachable) if estimate else None,
        "preview": queries.preview(campaign, contact),
        "contact": contact,
    }


def _linked(rows: Any) -> list[dict[str, Any]]:
    """Checks or problems, each with the page that fixes it."""
    return [{"row": row, "view": STEPS.get(row.field.split(".")[0], "")} for row in rows]
