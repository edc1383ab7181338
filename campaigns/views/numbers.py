"""The numbers that campaigns are sent from, and whether their business profiles lead to the company (CG-61)."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from consent.models import Controller
from consent.queries import controller_of
from tenants.pages import STOP_POLLING, Question, TenantRequest, requires
from whatsapp import actions, profiles
from whatsapp.errors import rule_for
from whatsapp.models import Number


@require_GET
@requires("campaigns:read")
def numbers(request: TenantRequest) -> HttpResponse:
    """Every number; polled by htmx while Meta has not answered about one of the profiles."""
    company = controller_of(request.tenant)
    rows = [_row(number, company) for number in request.tenant.numbers.select_related("account").order_by("id")]
    is_moving = any(row["number"].profile_link for row in rows)
    context = {"rows": rows, "is_moving": is_moving, "privacy_url": company.privacy_url}
    if request.htmx:
        # The last poll still swaps, so that the end shows.
        status = 200 if is_moving else STOP_POLLING
        return render(request, "campaigns/numbers.html#numbers", context, status=status)
    return render(request, "campaigns/numbers.html", context)


@require_POST
@requires("settings:write")
def profile(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Add the privacy notice to a number's business profile, once somebody has confirmed what that writes there."""
    number = get_object_or_404(request.tenant.numbers.all(), uid=uid)
    address = controller_of(request.tenant).privacy_url
    back = reverse("numbers", kwargs={"tenant_slug": request.tenant.slug})
    change = profiles.addition(number.profile, address) if address and number.profile is not None else None
    if change and not request.POST.get("confirmed"):
        return render(request, "confirm.html", {"question": _adding(number, change), "back": back})
    try:
        if address:
            actions.add_to_profile(number=number, address=address, by=request.user)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    return redirect(back)


def _row(number: Number, company: Controller) -> dict[str, Any]:
    change = profiles.addition(number.profile, company.privacy_url) if number.profile is not None else None
    meaning = rule_for(number.profile_error).sentences(get_language() or "") if number.profile_error else ()
    return {
        "number": number,
        "leads": number.profile is not None and profiles.leads(number.profile, company.addresses),
        "question": _adding(number, change) if change and company.privacy_url else None,
        "refusal": " ".join(meaning),
    }


def _adding(number: Number, change: dict[str, Any]) -> Question:
    if "websites" in change:
        text = _("The websites in the profile of %(number)s become %(found)s. Everybody sees them in WhatsApp.")
        told = ", ".join(change["websites"])
    else:
        text = _(
            "Both websites of the business profile of %(number)s are taken, so the address goes into its description,"
            " which everybody sees in WhatsApp: “%(found)s”"
        )
        told = change["description"]
    told = text % {"number": number.display_number, "found": told}
    return Question(_("Add the privacy notice to the profile"), told, _("Add it"), "btn-primary")
