"""What every dashboard view needs: who is asking, for which tenant, and whether they may."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from tenants.models import Membership, Tenant, User

PAGE_SIZE = 50
# htmx stops polling when it sees this status, and swaps the answer all the same.
STOP_POLLING = 286


class TenantRequest(HttpRequest):
    """A request that TenantMiddleware has let in; what views of the dashboard are called with."""

    tenant: Tenant
    membership: Membership
    user: User
    htmx: HtmxDetails


def requires(permission: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Let only members whose role has this permission into the view; others get the 403 page."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: TenantRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.membership.may(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def page_of(rows: QuerySet[Any] | list[Any], request: HttpRequest, size: int = PAGE_SIZE) -> Page[Any]:
    """The page that `?page=` asks for, the nearest one if there is no such page."""
    return Paginator(rows, size).get_page(request.GET.get("page"))
