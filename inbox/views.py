"""Messages that need a look: unclear wishes ("kündigen", "nein danke"), until somebody of the team settles them."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from consent import proving, reasons
from consent import queries as consent
from consent.models import Channel, Purpose
from inbox import actions, queries
from inbox.models import InboundMessage
from tenants import encryption
from tenants.pages import Question, TenantRequest, page_of, requires

PER_PAGE = 25
# Who has said no already need not be opted out again.
NOES = {"withdrawn", "objected", "suppressed"}
USE = "inbox.look"
OPT_OUT = Question(
    gettext_lazy("Record an opt-out"),
    gettext_lazy(
        "From the moment of this message no more advertising on WhatsApp is sent to this person, who gets the usual"
        " confirmation. Only the person can say yes again."
    ),
    gettext_lazy("Record the opt-out"),
)


@require_GET
@requires("inbox:read")
def to_look_at(request: TenantRequest) -> HttpResponse:
    """What waits for a look, with what may be sent to each person at the moment."""
    page = page_of(queries.to_look_at(request.tenant), request, size=PER_PAGE)
    people = {message.conversation.contact_id: message.conversation.contact for message in page}
    codes = consent.refusals(request.tenant, list(people.values()), Channel.WHATSAPP, Purpose.MARKETING)
    context = {
        "page": page,
        "rows": [_row(message, codes.get(message.conversation.contact_id, "")) for message in page],
        "question": OPT_OUT,
        "may_opt_out": request.membership.may("consent:write"),
        "may_settle": request.membership.may("inbox:write"),
        "may_see_contacts": request.membership.may("contacts:read"),
    }
    return render(request, "inbox/to_look_at.html", context)


@require_POST
@requires("inbox:read")
def opt_out(request: TenantRequest, token: str) -> HttpResponse:
    """Take the message as a withdrawal, once somebody has confirmed it."""
    if not request.membership.may("consent:write"):
        raise PermissionDenied
    message = _message(request, token)
    if not request.POST.get("confirmed"):
        return render(request, "confirm.html", {"question": OPT_OUT, "back": _back(request).headers["Location"]})
    if actions.opt_out(message=message, by=request.user):
        messages.success(request, _("Withdrawal recorded. No more advertising is sent to this person."))
    else:
        messages.warning(request, _("Recorded. The person has agreed again after that day, so that consent stays."))
    return _back(request)


@require_POST
@requires("inbox:write")
def done(request: TenantRequest, token: str) -> HttpResponse:
    """Be done with the message; nothing else changes."""
    actions.looked_at(message=_message(request, token), by=request.user)
    messages.success(request, _("Done. The message is not shown here any more."))
    return _back(request)


def _row(message: InboundMessage, code: str) -> dict[str, Any]:
    return {
        "message": message,
        "contact": message.conversation.contact,
        "token": encryption.seal(f"{USE}:{message.tenant_id}", message.pk),
        "reason": reasons.of(code),
        "tone": proving.tone(code),
        "may_be_meant": code not in NOES,
    }


def _message(request: TenantRequest, token: str) -> InboundMessage:
    try:
        [pk] = encryption.unseal(f"{USE}:{request.tenant.pk}", token)
    except (encryption.BadToken, ValueError):
        raise Http404 from None
    known = request.tenant.inbound_messages.select_related("tenant", "conversation__contact__tenant")
    return get_object_or_404(known.select_related("conversation__number"), pk=pk, needs_a_look=True)


def _back(request: TenantRequest) -> HttpResponse:
    return redirect("to_look_at", tenant_slug=request.tenant.slug)
