"""The webhook door on the main port, for small set-ups: verifies and stores with the functions of the fast door."""

import uuid

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from inbox import recording, tasks
from inbox.recording import App, Refused


# The signature proves who posts; there is no session that a forged request could ride on.
@csrf_exempt
@require_http_methods(["GET", "POST"])
def receive(request: HttpRequest, account_uid: uuid.UUID | None = None) -> HttpResponse:
    """Answer Meta's handshake (GET) and store its events (POST): 200, or an error with nothing stored."""
    try:
        app = recording.own_app(account_uid) if account_uid else recording.shared_app()
        if request.method == "GET":
            return _text(200, recording.challenge(app, request.GET.dict()))
        _store(request, app)
    except Refused as refused:
        return _text(refused.status)
    except DatabaseError:
        return _text(503)
    tasks.ring()
    return _text(200)


def _store(request: HttpRequest, app: App | None) -> None:
    if int(request.META.get("CONTENT_LENGTH") or 0) > recording.LARGEST:
        raise Refused(413)
    recording.store([recording.verified(app, request.body, request.headers.get("X-Hub-Signature-256"))])


def _text(status: int, body: str = "") -> HttpResponse:
    return HttpResponse(body, status=status, content_type="text/plain; charset=utf-8")
