"""The page “Company”: who is responsible, how to reach them, and what their sign-up pages look like."""

from collections.abc import Sequence

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.forms.models import model_to_dict
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from consent import colors, opening, queries
from consent.actions import controllers
from consent.forms.company import PERIODS, CompanyForm, PeriodsForm
from consent.models import Disposal
from consent.rights import foreseeing
from tenants.pages import Question, TenantRequest, requires
from tenants.templatetags.formats import number

INVALID = 422


@require_http_methods(["GET", "POST"])
@requires("consent:read")
def company(request: TenantRequest) -> HttpResponse:
    """Show or change the company; what is typed as its colour is shown by htmx while it is typed."""
    controller = controllers.controller_of(request.tenant)
    initial = model_to_dict(controller, exclude=["tenant"])
    initial["special_attributes"] = initial["special_before"] = "\n".join(controller.special_attributes)
    initial["contract_attributes"] = initial["contract_before"] = "\n".join(controller.contract_attributes)
    form = CompanyForm(request.POST or None, request.FILES or None, initial=initial)
    if request.htmx:
        return render(request, "consent/company.html#preview", _context(form))
    if request.method == "POST":
        if not request.membership.may("consent:write"):
            raise PermissionDenied
        if form.is_valid():
            asked = {name: form.cleaned_data[name] for name in PERIODS}
            going = foreseeing.going(request.tenant, controller, **asked)
            # Files cannot be asked for twice, so everything else is saved before the question.
            if _saved(request, form, without=PERIODS if going else ()):
                return _ask(request, going, asked) if going else _back(request)
    context = {**_context(form), "controller": controller, "logo": queries.logo(request.tenant)}
    return render(request, "consent/company.html", context, status=INVALID if form.errors else 200)


@require_POST
@requires("consent:write")
def periods(request: TenantRequest) -> HttpResponse:
    """Keep things for a shorter time, after somebody has read what goes with that."""
    form = PeriodsForm(request.POST)
    try:
        if form.is_valid():
            controllers.update(tenant=request.tenant, by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved. Whatever is past the new period goes in the coming night."))
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    return _back(request)


def _ask(request: TenantRequest, going: dict[str, int], asked: dict[str, int]) -> HttpResponse:
    labels = dict(Disposal.What.choices)
    told = "; ".join(f"{labels[what]}: {_counted(count)}" for what, count in going.items())
    text = _("This happens in the coming night and cannot be undone: %(what)s. Everything else is saved.")
    question = Question(_("Keep data for a shorter time"), text % {"what": told}, _("Keep it for a shorter time"))
    action = reverse("company_periods", kwargs={"tenant_slug": request.tenant.slug})
    back = reverse("company", kwargs={"tenant_slug": request.tenant.slug})
    return render(request, "confirm.html", {"question": question, "back": back, "action": action, "fields": asked})


def _counted(count: int) -> str:
    return _("more than %(most)s") % {"most": number(foreseeing.MOST)} if count > foreseeing.MOST else number(count)


def _back(request: TenantRequest) -> HttpResponse:
    return redirect("company", tenant_slug=request.tenant.slug)


def _saved(request: TenantRequest, form: CompanyForm, *, without: Sequence[str] = ()) -> bool:
    """Save the company; False when the action has refused and the form says why."""
    given = {name: value for name, value in form.cleaned_data.items() if name not in without}
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
    _warn_of_closed_forms(request)
    return True


def _warn_of_closed_forms(request: TenantRequest) -> None:
    """Texts name the company: with another name, open forms are closed to visitors until they have new ones."""
    if closed := opening.closed(request.tenant, opening.live(request.tenant)):
        told = _("These open forms are closed to visitors now; each says what to mend: %(names)s.")
        messages.warning(request, told % {"names": ", ".join(form.name for form, _why in closed)})


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
