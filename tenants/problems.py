"""What goes wrong in the REST API, told as application/problem+json, wherever it went wrong."""

from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import redirect
from django.urls import resolve
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import exception_handler

READS = ("GET", "HEAD", "OPTIONS")
# "Suspicious" is what Django calls too many fields, a foreign host, or a body beyond its limit.
UNREADABLE = (SuspiciousOperation, BadRequest, MultiPartParserError)


class Conflict(exceptions.APIException):
    """The request contradicts the current state, e.g. launching a finished campaign."""

    status_code = 409
    default_detail = "Conflict"
    default_code = "conflict"


class TooLarge(exceptions.APIException):
    """The body holds more than we take into memory; files go their own way."""

    status_code = 413
    default_code = "too_large"

    def __init__(self) -> None:
        megabytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024**2
        super().__init__(
            _("The body is larger than %(limit)s MB. Send it in several requests, or contacts as a file to imports/.")
            % {"limit": megabytes}
        )


class Malformed(exceptions.ParseError):
    """What came is no request that can be read; says so without quoting it."""

    def __init__(self) -> None:
        super().__init__(_("This request cannot be read. Check its headers, its encoding and how many fields it has."))


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every error as application/problem+json with errors by field and a request id."""
    if isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(serializers.as_serializer_error(error))
    elif isinstance(error, IntegrityError):
        # The database's words may quote another row's values.
        error = Conflict(_("This conflicts with what is already stored."))
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(*error.args)
    elif isinstance(error, UNREADABLE):
        error = _unreadable(error)
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
    if request.method in READS and resolve(f"{request.path}/").func is not no_such_path:
        return redirect(request.get_full_path(force_append_slash=True), permanent=True)
    return problem_response(
        request, 404, "not_found", _("There is no such path. Paths end with a slash; /api/docs/ lists them all.")
    )


def malformed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400, for what cannot be read before any view has begun; the dashboard gets Django's page."""
    if not request.path.startswith("/api/"):
        return defaults.bad_request(request, exception)
    told = _unreadable(exception)
    return problem_response(request, told.status_code, told.default_code, str(told.detail))


def _unreadable(error: Exception) -> exceptions.APIException:
    return TooLarge() if isinstance(error, RequestDataTooBig) else Malformed()


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
