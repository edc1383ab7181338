"""The activity log: who did what in the company, and every yes and no, for those who answer for it."""

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from consent import trail
from consent.actions import trails as actions
from consent.forms.trail import TrailForm
from consent.trail import Place
from contacts.importing import escaping
from tenants.pages import PAGE_SIZE, TenantRequest, requires

INVALID = 422


@require_GET
@requires("audit:read")
def listing(request: TenantRequest) -> HttpResponse:
    """Audit trail and consent events, newest first, by days, kind, person and channel; never counted."""
    form = TrailForm(request.tenant, request.GET)
    if not form.is_valid():
        return render(request, "consent/trail.html", {"form": form}, status=INVALID)
    older = request.GET.get("older", "")
    place = Place.unsealed(request.tenant, older) if older else None
    found = trail.page(request.tenant, form.asked, place, PAGE_SIZE)
    context = {
        "form": form,
        "rows": trail.told(request.tenant, found.rows),
        "older": found.older.sealed(request.tenant) if found.older else "",
        "is_first": place is None,
        "may_see_contacts": request.membership.may("contacts:read"),
    }
    return render(request, "consent/trail.html", context)


@require_GET
@requires("audit:read")
def export(request: TenantRequest) -> HttpResponseBase:
    """The same as CSV, all of it; the log itself keeps who took it."""
    form = TrailForm(request.tenant, request.GET)
    if not form.is_valid():
        return render(request, "consent/trail.html", {"form": form}, status=INVALID)
    actions.taken(tenant=request.tenant, by=request.user)
    rows = trail.table(request.tenant, form.asked, timezone.get_current_timezone())
    name = _("activity log %(day)s.csv") % {"day": timezone.localdate().isoformat()}
    return StreamingHttpResponse(
        escaping.csv_lines(rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or "attachment"},
    )
