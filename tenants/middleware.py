"""Names each request and opens the tenant's wall around dashboard and admin views."""

import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from tenants import queries
from tenants.scope import across_tenants, named_request, tenant_scope

View = Callable[..., HttpResponse]
SAFE_REQUEST_ID = re.compile(r"^[A-Za-z0-9-]{8,40}$")


class RequestIdMiddleware:
    """Gives every request an id that errors, audit rows and logs share."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request.request_id = given if SAFE_REQUEST_ID.match(given) else uuid.uuid4().hex  # type: ignore[attr-defined]
        with named_request(request.request_id):  # type: ignore[attr-defined]
            response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


class TenantMiddleware:
    """Resolves `/<tenant>/…` to the tenant of a member and runs the view inside its scope.

    Strangers and unknown tenants get the same 404, so that a tenant's existence is not told.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: list[Any], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if "tenant_slug" in kwargs:
            return self._in_tenant(request, view, args, kwargs)
        if request.path.startswith("/admin/"):
            with across_tenants("staff work in Django admin across tenants"):
                return _rendered(view(request, *args, **kwargs))
        return None

    def _in_tenant(self, request: HttpRequest, view: View, args: list[Any], kwargs: dict[str, Any]) -> HttpResponse:
        slug = kwargs.pop("tenant_slug")
        if not request.user.is_authenticated:
            return _to_login(request, slug)
        membership = queries.membership_of(request.user, slug)
        if membership is None:
            raise Http404
        request.membership = membership  # type: ignore[attr-defined]
        request.tenant = membership.tenant  # type: ignore[attr-defined]
        with tenant_scope(membership.tenant), timezone.override(membership.tenant.timezone):
            return _rendered(view(request, *args, **kwargs))


def _to_login(request: HttpRequest, slug: str) -> HttpResponse:
    # What a form or htmx asks for is no page to come back to; the page that asked is, if it is one of this tenant's.
    back = request.get_full_path()
    is_page = request.method in ("GET", "HEAD") and not request.headers.get("HX-Request")
    if not is_page:
        asked = urlsplit(request.headers.get("Referer", "")).path
        back = asked if asked.startswith(f"/{slug}/") else f"/{slug}/"
    login = redirect_to_login(back)
    return HttpResponseClientRedirect(login.url) if request.headers.get("HX-Request") else login


def _rendered(response: HttpResponse) -> HttpResponse:
    # Lazy template responses would query after the scope has closed.
    if hasattr(response, "render") and callable(response.render) and not getattr(response, "is_rendered", True):
        response = response.render()
    return response
