"""The page on which the team blocks a number or an address that may belong to nobody we know."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from consent.actions import blocking
from consent.forms.blocking import BlockForm
from consent.forms.parts import refuse
from tenants.pages import TenantRequest, requires

INVALID = 422


@require_http_methods(["GET", "POST"])
@requires("consent:write")
def block(request: TenantRequest) -> HttpResponse:
    """Ask for number or address, why and how; block it and say the same whoever it belongs to."""
    form = BlockForm(request.POST or None)
    if form.is_valid():
        try:
            blocking.block(tenant=request.tenant, by=request.user, **form.said)
        except ValidationError as error:
            refuse(form, error)
        else:
            messages.success(request, _("Blocked. No advertising goes there until the person asks for it themselves."))
            return redirect("contacts", tenant_slug=request.tenant.slug)
    return render(request, "consent/block.html", {"form": form}, status=INVALID if form.errors else 200)
