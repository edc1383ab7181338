"""The house rules of the REST API: who calls, what errors and pages look like, and answering a repeated POST once."""

import hashlib
import hmac
import time
from typing import Any, cast

import orjson
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import resolve
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions, pagination, permissions, serializers, throttling
from rest_framework.authentication import BaseAuthentication
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler
from rest_framework.viewsets import GenericViewSet

from tenants import actions, queries
from tenants.models import ApiKey, IdempotencyKey, Tenant
from tenants.scope import tenant_scope

METHOD_VERB = {"GET": "read", "HEAD": "read", "OPTIONS": "read"}


class Conflict(exceptions.APIException):
    """The request contradicts the current state, e.g. launching a finished campaign."""

    status_code = 409
    default_detail = "Conflict"
    default_code = "conflict"


class Json(BaseParser):
    """JSON by orjson, which refuses NaN, broken UTF-8 and a nesting that would exhaust the stack."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return orjson.loads(stream.read())
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
        return cache.incr(key) <= settings.API_REQUESTS_PER_MINUTE

    def wait(self) -> float:
        return self.retry_after


class Pages(pagination.CursorPagination):
    """Keyset pages: `{"next": url or null, "results": […]}`."""

    page_size_query_param = "page_size"
    page_size = 50
    max_page_size = 200
    ordering = "-id"

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        # Positions are ids here; an invented one must not reach the database as text.
        if cursor and cursor.position is not None and not str(cursor.position).isdecimal():
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
            unknown = set(data) - set(self.fields)
            if unknown:
                raise serializers.ValidationError(
                    {
                        name: [_("Unknown field. Known: %(known)s.") % {"known": ", ".join(self.fields)}]
                        for name in unknown
                    }
                )
        return super().to_internal_value(data)


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
            return _rendered(super().dispatch(request, *args, **kwargs))
        # The key is part of it: an answer goes to nobody else, whatever that one's scopes.
        caller = f"{request.api_key.pk}\n{request.get_full_path()}\n"  # type: ignore[attr-defined]
        digest = hashlib.sha256(caller.encode() + self.body_of(request)).hexdigest()
        # Two equal requests at the same time: the second waits here until the first has committed.
        _lock(f"{tenant.pk}:{name}")
        known = tenant.idempotency_keys.filter(key=name[:255]).first()
        if known is None:
            response = _rendered(super().dispatch(request, *args, **kwargs))
            if response.status_code < 400:
                IdempotencyKey.objects.create(
                    tenant=tenant,
                    key=name[:255],
                    request_digest=digest,
                    status=response.status_code,
                    body=getattr(response, "content", b""),
                )
            return response
        if known.request_digest != digest:
            return problem_response(
                request, 422, "idempotency_key_reused", _("This Idempotency-Key was used for another request.")
            )
        return HttpResponse(bytes(known.body), status=known.status, content_type="application/json")


class TenantViewSet(TenantView, GenericViewSet[Any]):
    """A TenantView with the actions list, retrieve, create, partial_update, destroy and others routed by name.

    Rows are looked up by `uid`; `get_queryset` starts from `self.tenant`.
    """

    pagination_class = Pages
    filter_backends = [DjangoFilterBackend]
    lookup_field = "uid"
    lookup_value_converter = "uuid"

    def page(self, queryset: QuerySet[Any], **context: Any) -> Response:
        """One page of the filtered queryset through the view's serializer."""
        rows = self.paginate_queryset(self.filter_queryset(queryset))
        return self.get_paginated_response(self.get_serializer(rows, many=True, **context).data)


def form_of(request: HttpRequest) -> bytes:
    """Fields and files: every repeat of a form has another boundary, and a file exceeds the limit of a body."""
    if not request.FILES:
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


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every error as application/problem+json with errors by field and a request id."""
    if isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(serializers.as_serializer_error(error))
    elif isinstance(error, IntegrityError):
        # The database's words may quote another row's values.
        error = Conflict(_("This conflicts with what is already stored."))
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(*error.args)
    response = exception_handler(error, context)
    if response is None:
        return None
    body = _problem_body(context["request"], response.status_code, error, response.data)
    headers = {name: response[name] for name in ("Retry-After", "WWW-Authenticate") if response.has_header(name)}
    return Response(body, status=response.status_code, headers=headers, content_type="application/problem+json")


def _problem_body(request: Any, status: int, error: Exception, data: Any) -> dict[str, Any]:
    is_validation = isinstance(error, exceptions.ValidationError)
    detail = _("Some fields are invalid; see “errors”.") if is_validation else _detail_of(error, data)
    code = getattr(error, "default_code", None) or ("not_found" if isinstance(error, Http404) else "error")
    errors = (data if isinstance(data, dict) else {"non_field_errors": data}) if is_validation else {}
    return _described(getattr(request, "_request", request), status, str(code), detail, errors)


def _detail_of(error: Exception, data: Any) -> str:
    detail = data.get("detail") if isinstance(data, dict) else None
    return str(detail or error)


def problem_response(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    """A problem+json answer outside a DRF view."""
    body = _described(request, status, code, detail, {})
    return HttpResponse(orjson.dumps(body), status=status, content_type="application/problem+json")


def _described(request: HttpRequest, status: int, code: str, detail: str, errors: Any) -> dict[str, Any]:
    return {
        "type": f"urn:zusage:problem:{code}",
        "title": code,
        "status": status,
        "detail": detail,
        "errors": errors,
        "request_id": getattr(request, "request_id", ""),
    }


@csrf_exempt
def no_such_path(request: HttpRequest) -> HttpResponse:
    """Stands behind every route of the API, for any method; a GET that lacks only the last slash is sent on."""
    if request.method in METHOD_VERB and resolve(f"{request.path}/").func is not no_such_path:
        return redirect(request.get_full_path(force_append_slash=True), permanent=True)
    return problem_response(
        request, 404, "not_found", _("There is no such path. Paths end with a slash; /api/docs/ lists them all.")
    )


def failed(request: HttpRequest) -> HttpResponse:
    """Django's handler500: the API answers a problem that tells nothing of what went wrong, the dashboard its page."""
    if not request.path.startswith("/api/"):
        return defaults.server_error(request)
    return problem_response(
        request,
        500,
        "error",
        _("An error of ours; it has been recorded. Please try again; if it stays, tell us the request id."),
    )


def _lock(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [name])


def _rendered(response: HttpResponseBase) -> HttpResponseBase:
    if hasattr(response, "render") and not getattr(response, "is_rendered", True):
        response = response.render()
    return response
