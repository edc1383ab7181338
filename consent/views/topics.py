"""The dashboard's topics: which lists people join and leave themselves, and how many are on each (R-34)."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from consent import topics
from consent.forms.topics import TopicForm
from contacts import actions, queries
from contacts.models import ContactList
from tenants.pages import TenantRequest, page_of, requires

INVALID = 422
PER_PAGE = 50


@require_GET
@requires("contacts:read")
def listing(request: TenantRequest) -> HttpResponse:
    """Every list, topics first, with how many are on it."""
    lists = queries.with_member_count(request.tenant.lists.all()).order_by("-is_topic", "name")
    page = page_of(lists, request, size=PER_PAGE)
    offered = {topic.pk for topic in topics.offered(request.tenant)}
    context = {
        "page": page,
        "rows": [(one, one.is_topic and one.pk not in offered) for one in page],
        "has_forms": request.tenant.signup_forms.filter(offers_topics=True).exists(),
        "tab": "topics",
    }
    return render(request, "consent/topics.html", context)


@require_http_methods(["GET", "POST"])
@requires("contacts:write")
def new(request: TenantRequest) -> HttpResponse:
    """Make a new list, as a topic unless somebody wants it otherwise."""
    form = TopicForm(request.POST or None, initial={"is_topic": True})
    if request.method == "POST" and form.is_valid():
        try:
            actions.create_list(tenant=request.tenant, by=request.user, **form.cleaned_data)
        except ValidationError as refused:
            form.refuse(refused)
        else:
            return _done(request)
    return _shown(request, form)


@require_http_methods(["GET", "POST"])
@requires("contacts:write")
def edit(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Make a list a topic or none, and say what people read."""
    found = get_object_or_404(request.tenant.lists.select_related("tenant"), uid=uid)
    form = TopicForm.of(found, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.update_list(contact_list=found, by=request.user, **form.cleaned_data)
        except ValidationError as refused:
            form.refuse(refused)
        else:
            return _done(request)
    return _shown(request, form, found)


def _done(request: TenantRequest) -> HttpResponse:
    messages.success(request, _("Saved."))
    return redirect("topics", tenant_slug=request.tenant.slug)


def _shown(request: TenantRequest, form: TopicForm, found: ContactList | None = None) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "list": found, "tab": "topics"}
    return render(request, "consent/topic.html", context, status=INVALID if form.errors else 200)
