"""The house rules of the REST API: who calls, how much, what pages look like, and answering a repeated POST once."""

import hashlib
import hmac
import re
import time
from collections.abc import Iterable
from functools import partial
from typing import Any, cast

import orjson
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions, pagination, permissions, serializers, throttling
from rest_framework.authentication import BaseAuthentication
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from tenants import actions, queries, repeating
from tenants.models import ApiKey, Tenant
from tenants.problems import problem_response
from tenants.scope import tenant_scope

METHOD_VERB = {"GET": "read", "HEAD": "read", "OPTIONS": "read"}


class Json(BaseParser):
    """JSON by orjson, which refuses NaN, broken UTF-8 and a nesting that would exhaust the stack."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            # Not the stream: Django refuses to read a body that is larger than DATA_UPLOAD_MAX_MEMORY_SIZE.
            return orjson.loads(parser_context["request"].body)
        except orjson.JSONDecodeError as error:
            raise exceptions.ParseError(_("This is not JSON: %(error)s.") % {"error": error}) from None


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer zu_<prefix>_<secret>`; the key names the tenant."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        key = getattr(request._request, "api_key", None)
        return (None, key) if key else None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class KeyScheme(OpenApiAuthenticationExtension):
    """Tells OpenAPI about the bearer key."""

    target_class = KeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key of one tenant."}


class HasScope(permissions.BasePermission):
    """The key must hold `<scope_noun>:read` for reads and `:write` (or the action's own scope) for changes."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiKey):
            raise exceptions.NotAuthenticated(_("Send a valid API key: Authorization: Bearer <key>."))
        needed = scope_needed(request, view)
        if not request.auth.may(needed):
            raise exceptions.PermissionDenied(_("This API key lacks the scope “%(scope)s”.") % {"scope": needed})
        return True


def scope_needed(request: Request, view: Any) -> str:
    """The scope for this call: the view's `scopes[action]`, else its noun with read or write."""
    special: dict[str, str] = getattr(view, "scopes", {})
    action = getattr(view, "action", None) or (request.method or "").lower()
    return special.get(action) or f"{view.scope_noun}:{METHOD_VERB.get(request.method or '', 'write')}"


class KeyThrottle(throttling.BaseThrottle):
    """A fixed one-minute window per key, counted atomically in Redis."""

    retry_after = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.auth, ApiKey):
            return True
        minute, second = divmod(int(time.time()), 60)
        key = f"throttle:{request.auth.tenant_id}:{request.auth.pk}:{minute}"
        cache.add(key, 0, timeout=120)
        self.retry_after = 60 - second
        try:
            return cache.incr(key) <= settings.API_REQUESTS_PER_MINUTE
        except ValueError:
            # Redis was emptied, or went away, since the line above: nobody knows the count, and this call is no crime.
            return True

    def wait(self) -> float:
        return self.retry_after


class Pages(pagination.CursorPagination):
    """Keyset pages: `{"next": url or null, "results": […]}`."""

    page_size_query_param = "page_size"
    page_size = 50
    max_page_size = 200
    ordering = "-id"
    # Positions are ids; an invented one must not reach the database as text.
    position = re.compile(r"[0-9]+")

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        if cursor and cursor.position is not None and not self.position.fullmatch(str(cursor.position)):
            raise exceptions.NotFound(self.invalid_cursor_message)
        return cursor

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.get_next_link(), "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {
                "next": {"type": ["string", "null"], "format": "uri"},
                "results": schema,
            },
        }


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it does not know, so that a typing error is never silently ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            refuse_unknown(data, self.fields, gettext_noop("Unknown field. Known: %(known)s."))
        return super().to_internal_value(data)


def refuse_unknown(given: Iterable[str], known: Iterable[str], text: str) -> None:
    """Raise a ValidationError that says this of each unknown name; `text` may name the %(known)s ones."""
    unknown = set(given) - set(known)
    if unknown:
        told = _(text) % {"known": ", ".join(known)}
        raise serializers.ValidationError({name: [told] for name in unknown})


class TenantView(APIView):
    """Base of every API view: finds the key's tenant and runs the request inside its scope and one transaction."""

    authentication_classes = [KeyAuthentication]
    permission_classes = [HasScope]
    throttle_classes = [KeyThrottle]
    parser_classes = [Json]
    scope_noun = ""
    request: Request

    @property
    def tenant(self) -> Tenant:
        """The tenant of the calling key: every query starts here."""
        if getattr(self, "swagger_fake_view", False):
            return Tenant(pk=0)  # OpenAPI asks a view for its model without any request.
        tenant: Tenant = self.request._request.tenant  # type: ignore[attr-defined]
        return tenant

    @property
    def key(self) -> ApiKey:
        """The calling key: the `by=` of every action."""
        assert isinstance(self.request.auth, ApiKey)
        return self.request.auth

    def given(self, shape: type[StrictSerializer], *, partial: bool = False) -> dict[str, Any]:
        """The request's body as this shape reads it; answers 400 with what is wrong by field."""
        read = shape(data=self.request.data, partial=partial)
        read.is_valid(raise_exception=True)
        return dict(read.validated_data)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = key_of(request)
        if key is None:
            return super().dispatch(request, *args, **kwargs)
        request.api_key, request.tenant = key, key.tenant  # type: ignore[attr-defined]
        with tenant_scope(key.tenant):
            response = self._once(key.tenant, request, *args, **kwargs)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            else:
                actions.key_used(key=key)
        return response

    def body_of(self, request: HttpRequest) -> bytes:
        """What makes a repeated request the same; a view of uploads gives `form_of` instead."""
        return request.body

    def _once(self, tenant: Tenant, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer a POST that carries an Idempotency-Key exactly once; repeats get the stored answer."""
        name = request.headers.get("Idempotency-Key")
        if request.method != "POST" or not name:
            return self._dispatched(request, *args, **kwargs)
        # The key is part of it: an answer goes to nobody else, whatever that one's scopes.
        caller = f"{request.api_key.pk}\n{request.get_full_path()}\n"  # type: ignore[attr-defined]
        digest = hashlib.sha256(caller.encode() + self.body_of(request)).hexdigest()
        answer = partial(self._dispatched, request, *args, **kwargs)
        try:
            return repeating.once(tenant=tenant, name=name, digest=digest, answer=answer)
        except repeating.UsedForAnother:
            told = _("This Idempotency-Key was used for another request.")
            return problem_response(request, 422, "idempotency_key_reused", told)

    def _dispatched(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return _rendered(super().dispatch(request, *args, **kwargs))


class TenantViewSet(TenantView, GenericViewSet[Any]):
    """A TenantView with the actions list, retrieve, create, partial_update, destroy and others routed by name.

    Rows are looked up by `uid`; `get_queryset` starts from `self.tenant`.
    """

    pagination_class = Pages
    filter_backends = [DjangoFilterBackend]
    lookup_field = "uid"
    lookup_value_converter = "uuid"

    def page(self, queryset: QuerySet[Any], **context: Any) -> Response:
        """One page of the filtered queryset through the view's serializer; refuses parameters it does not know."""
        known = [*self._filters(queryset), "cursor", "page_size"]
        refuse_unknown(self.request.query_params, known, gettext_noop("Unknown parameter. Known: %(known)s."))
        rows = self.paginate_queryset(self.filter_queryset(queryset))
        return self.get_paginated_response(self.get_serializer(rows, many=True, **context).data)

    def _filters(self, queryset: QuerySet[Any]) -> list[str]:
        declared = DjangoFilterBackend().get_filterset_class(self, queryset)
        return list(declared.base_filters) if declared else []


def form_of(request: HttpRequest) -> bytes:
    """Fields and files: every repeat of a form has another boundary, and a file exceeds the limit of a body."""
    if request.content_type != MultiPartParser.media_type:
        return request.body
    fields = sorted((name, values) for name, values in request.POST.lists())
    files = [hashlib.file_digest(cast(Any, file), "sha256").hexdigest() for file in request.FILES.values()]
    return repr((fields, files)).encode()


def key_of(request: HttpRequest) -> ApiKey | None:
    """The live key of the Authorization header; unknown and wrong keys take the same path and time."""
    scheme, _sep, token = request.headers.get("Authorization", "").partition(" ")
    parts = token.strip().split("_", 2)
    if scheme.lower() != "bearer" or len(parts) != 3:
        return None
    key = queries.live_key(parts[1])
    digest = hashlib.sha256(parts[2].encode()).hexdigest()
    if not hmac.compare_digest(digest, key.digest if key else "0" * 64) or key is None:
        return None
    return key


def _rendered(response: HttpResponseBase) -> HttpResponseBase:
    if hasattr(response, "render") and not getattr(response, "is_rendered", True):
        response = response.render()
    return response
