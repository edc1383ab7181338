"""The page on which the team records a no that a person has told them, whichever way."""

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from consent import queries
from consent.actions import withdrawals
from consent.forms.withdrawals import WithdrawalForm
from consent.models import Channel, Purpose
from contacts.models import Contact
from tenants.pages import TenantRequest, requires

INVALID = 422


@require_http_methods(["GET", "POST"])
@requires("consent:write")
def withdraw(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Ask what, how and when; record it and go back to the person."""
    contact = get_object_or_404(request.tenant.contacts.select_related("tenant"), uid=uid)
    form = WithdrawalForm(request.POST or None)
    if form.is_valid():
        withdrawals.record(contact=contact, by=request.user, **form.said)
        _tell(request, contact)
        return redirect("contact", tenant_slug=request.tenant.slug, uid=uid)
    context = {"contact": contact, "form": form}
    return render(request, "consent/withdraw.html", context, status=INVALID if form.errors else 200)


def _tell(request: TenantRequest, contact: Contact) -> None:
    answer = queries.may_send(contact=contact, channel=Channel.WHATSAPP, purpose=Purpose.MARKETING)
    if answer.allowed:
        messages.warning(request, _("Recorded. The person has agreed again after that day, so that consent stays."))
    else:
        messages.success(request, _("Withdrawal recorded. No more advertising is sent to this person."))
