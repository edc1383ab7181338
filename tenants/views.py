"""The way in: from the bare address to a workspace."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from tenants import queries
from tenants.pages import TenantRequest


@require_GET
@login_required
def home(request: TenantRequest) -> HttpResponse:
    """Go to the only workspace; people with several choose, people without one learn what to do."""
    memberships = queries.memberships_of(request.user)
    if len(memberships) == 1:
        return redirect("overview", tenant_slug=memberships[0].tenant.slug)
    return render(request, "tenants/choose.html", {"memberships": memberships})
