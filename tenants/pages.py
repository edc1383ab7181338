"""What every dashboard view needs: who is asking, for which tenant, and whether they may."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import Promise, cached_property
from django_htmx.middleware import HtmxDetails

from tenants import encryption
from tenants.models import Membership, Tenant, User

PAGE_SIZE = 50
# htmx stops polling when it sees this status, and swaps the answer all the same.
STOP_POLLING = 286
# In addresses; nobody types it.
SEARCH = "search"
LONGEST_SEARCH = 200


class TenantRequest(HttpRequest):
    """A request that TenantMiddleware has let in; what views of the dashboard are called with."""

    tenant: Tenant
    membership: Membership
    user: User
    htmx: HtmxDetails


class Question(NamedTuple):
    """What is asked before something that cannot be taken back, and the label and colour of the yes.

    app.js asks it in a dialog; without scripts `confirm.html` asks it as a page.
    """

    title: str | Promise
    text: str | Promise
    yes: str | Promise
    tone: str = "btn-danger"


def address_of(request: HttpRequest) -> str:
    """From which address somebody asks, as the outermost proxy of ours saw it; "" where nothing says so."""
    if count := settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        told = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
        return told[-count] if len(told) >= count else ""
    return request.META.get("REMOTE_ADDR", "")


def requires(permission: str) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Let only members whose role has this permission into the view; others get the 403 page."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: TenantRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.membership.may(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def to_search(request: TenantRequest) -> HttpResponse:
    """From what a form has sent as `q` to the page that shows it, whose address names nobody and leads back to it.

    People are looked for by number and name, and addresses stand in logs, histories and bookmarks.
    """
    sealed = sealed_search(request.POST.get("q", ""), of=str(request.tenant.pk))
    return redirect(f"{request.path}?{urlencode({SEARCH: sealed})}" if sealed else request.path)


def search_of(request: TenantRequest) -> str:
    """What is looked for, by an address that `to_search` has made for this company; "" by any other."""
    return opened_search(request.GET.get(SEARCH, ""), of=str(request.tenant.pk)) or ""


def sealed_search(text: str, *, of: str) -> str:
    """What somebody looks for as an address may hold it; `of` says whose address it is. "" for nothing."""
    # No stored text holds a NUL, and PostgreSQL takes none.
    text = text.replace("\0", "").strip()[:LONGEST_SEARCH]
    return encryption.encrypt(text, binding=f"search:{of}") if text else ""


def opened_search(sealed: str, *, of: str) -> str | None:
    """What `sealed_search` has sealed for the same; None for anything else."""
    try:
        return encryption.decrypt(sealed, binding=f"search:{of}")
    except encryption.CannotDecrypt:
        return None


class BoundedPaginator(Paginator):
    """Pages of at most 10,000 rows: nobody turns more pages, and counting and skipping millions takes seconds."""

    most = 10_000

    @cached_property
    def found(self) -> int:
        """How many rows there are, counted up to one more than `most`."""
        return cast(QuerySet[Any], self.object_list)[: self.most + 1].count()

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than pages show."""
        return self.found > self.most

    @cached_property
    def count(self) -> int:
        """How many rows the pages show."""
        return min(self.found, self.most)


def page_of(rows: QuerySet[Any], request: HttpRequest, size: int = PAGE_SIZE) -> Page[Any]:
    """The page that `?page=` asks for, the nearest one if there is no such page."""
    return BoundedPaginator(rows, size).get_page(request.GET.get("page"))


@dataclass(frozen=True)
class Stretch:
    """Some rows of a list of any length, newest first; `newer` and `older` are uids to go on from, "" at the ends."""

    rows: list[Any]
    newer: str
    older: str


def stretch_of(rows: QuerySet[Any], request: HttpRequest, size: int = PAGE_SIZE) -> Stretch:
    """The rows after `?older=<uid>` or before `?newer=<uid>`, by primary key; the newest ones without either.

    Nothing is counted and nothing is skipped, so the millionth row comes as quickly as the first.
    """
    if (pivot := _pivot(rows, request.GET.get("newer"))) is not None:
        found = list(rows.filter(pk__gt=pivot).order_by("pk")[: size + 1])
        shown = found[:size][::-1]
        # Whoever came from somewhere can go back there.
        return Stretch(shown, _uid(shown, 0) if len(found) > size else "", _uid(shown, -1))
    pivot = _pivot(rows, request.GET.get("older"))
    below = rows if pivot is None else rows.filter(pk__lt=pivot)
    found = list(below.order_by("-pk")[: size + 1])
    shown = found[:size]
    return Stretch(shown, "" if pivot is None else _uid(shown, 0), _uid(shown, -1) if len(found) > size else "")


def _pivot(rows: QuerySet[Any], uid: str | None) -> int | None:
    """The primary key of the row to go on from; None for a uid that is none of these rows."""
    try:
        known = rows.order_by().filter(uid=UUID(uid)) if uid else rows.none()
    except ValueError:
        return None
    return cast(int | None, known.values_list("pk", flat=True).first())


def _uid(rows: list[Any], at: int) -> str:
    return str(rows[at].uid) if rows else ""
