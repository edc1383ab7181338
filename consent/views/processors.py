"""The company's own processors: entering, changing and ending one. The list stands on “Contract and records”."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from consent.actions import processors as actions
from consent.forms.processing import ProcessorForm
from consent.models import Processor
from tenants.pages import TenantRequest, requires

INVALID = 422


@require_http_methods(["GET", "POST"])
@requires("consent:write")
def new(request: TenantRequest) -> HttpResponse:
    """Enter one."""
    form = ProcessorForm(request.POST or None, initial={"country": request.tenant.country})
    if form.is_valid():
        try:
            actions.add(tenant=request.tenant, by=request.user, **form.cleaned_data)
        except ValidationError as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("Entered."))
            return _back(request)
    return _shown(request, form)


@require_http_methods(["GET", "POST"])
@requires("consent:write")
def change(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Read one and change it."""
    found = get_object_or_404(request.tenant.processors, uid=uid)
    form = ProcessorForm(request.POST or None, initial={name: getattr(found, name) for name in ProcessorForm.NAMES})
    if form.is_valid():
        try:
            actions.change(processor=found, by=request.user, **form.cleaned_data)
        except ValidationError as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("Saved."))
            return _back(request)
    return _shown(request, form, found)


@require_POST
@requires("consent:write")
def end(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """They work for the company no more; who pressed it by mistake empties the day again."""
    actions.end(processor=get_object_or_404(request.tenant.processors, uid=uid), by=request.user)
    messages.success(request, _("Ended. The entry stays in the register."))
    return _back(request)


def _shown(request: TenantRequest, form: ProcessorForm, found: Processor | None = None) -> HttpResponse:
    context = {"form": form, "processor": found}
    return render(request, "consent/processor.html", context, status=INVALID if form.errors else 200)


def _back(request: TenantRequest) -> HttpResponse:
    return redirect(reverse("processing", kwargs={"tenant_slug": request.tenant.slug}) + "#own-processors-title")
