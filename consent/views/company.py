"""The page “Company”: who is responsible, how to reach them, and what their sign-up pages look like."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.forms.models import model_to_dict
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from consent import colors, queries
from consent.actions import controllers
from consent.forms.company import CompanyForm
from tenants.pages import TenantRequest, requires

INVALID = 422


@require_http_methods(["GET", "POST"])
@requires("consent:read")
def company(request: TenantRequest) -> HttpResponse:
    """Show or change the company; what is typed as its colour is shown by htmx while it is typed."""
    controller = controllers.controller_of(request.tenant)
    initial = model_to_dict(controller, exclude=["tenant"])
    initial["special_attributes"] = "\n".join(controller.special_attributes)
    form = CompanyForm(request.POST or None, request.FILES or None, initial=initial)
    if request.htmx:
        return render(request, "consent/company.html#preview", _context(form))
    if request.method == "POST":
        if not request.membership.may("consent:write"):
            raise PermissionDenied
        if form.is_valid() and _saved(request, form):
            return redirect(reverse("company", kwargs={"tenant_slug": request.tenant.slug}))
    context = {**_context(form), "controller": controller, "logo": queries.logo(request.tenant)}
    return render(request, "consent/company.html", context, status=INVALID if form.errors else 200)


def _saved(request: TenantRequest, form: CompanyForm) -> bool:
    """Save the company; False when the action has refused and the form says why."""
    given = dict(form.cleaned_data)
    file, is_without = given.pop("logo"), given.pop("without_logo")
    try:
        with transaction.atomic():
            controllers.update(tenant=request.tenant, by=request.user, **given)
            if file:
                controllers.set_logo(tenant=request.tenant, file=file, by=request.user)
            elif is_without:
                controllers.remove_logo(tenant=request.tenant, by=request.user)
    except ValidationError as refused:
        form.refuse(refused)
        return False
    messages.success(request, _("Saved."))
    return True


def _context(form: CompanyForm) -> dict[str, object]:
    ink = colors.text_on(form.color)
    return {
        "form": form,
        "tab": "company",
        "color": form.color,
        "ink": ink,
        "ink_contrast": colors.contrast(form.color, ink),
        "page_contrast": colors.contrast(form.color, colors.WHITE),
        "is_seen": colors.contrast(form.color, colors.WHITE) >= colors.LEAST,
    }
