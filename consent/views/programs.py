"""The page of programs that bring people, and what is said about whether these know whence their data come."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from consent.actions import programs as actions
from consent.rights import informing
from contacts.models import Program
from tenants.pages import TenantRequest, page_of, requires

PER_PAGE = 25


@require_GET
@requires("contacts:read")
def programs(request: TenantRequest) -> HttpResponse:
    """Every program that has brought somebody; those whose people have to know first come first."""
    found = request.tenant.programs.select_related("api_key", "tenant").order_by("untold_since", "pk")
    page = page_of(found, request, size=PER_PAGE)
    rows: list[dict[str, Any]] = [{"program": each, "until": informing.until_of(each)} for each in page]
    context = {"page": page, "rows": rows, "unwatched_until": informing.unwatched_until(request.tenant)}
    return render(request, "consent/programs.html", context)


@require_POST
@requires("contacts:write")
def informed(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Note that all whom it has brought until now know."""
    actions.informed(program=_program(request, uid), by=request.user)
    messages.success(request, _("Noted: everybody whom it has brought so far knows."))
    return redirect("programs", tenant_slug=request.tenant.slug)


@require_POST
@requires("contacts:write")
def notice(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Note once and for all that its people read the privacy notice where they give their data; or drop that."""
    has_notice = request.POST.get("has_notice") == "yes"
    actions.change_notice(program=_program(request, uid), has_notice=has_notice, by=request.user)
    told = _("Noted. You need not tell anybody from this program any more.")
    messages.success(request, told if has_notice else _("Taken back. The next night counts who does not know yet."))
    return redirect("programs", tenant_slug=request.tenant.slug)


def _program(request: TenantRequest, uid: uuid.UUID) -> Program:
    return get_object_or_404(request.tenant.programs, uid=uid)
