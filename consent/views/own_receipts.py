"""A person's own receipts, by the link to their page: what consent-gdpr § 11 calls sent on request; without login."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from consent import queries, receipts, speaking
from consent.actions import preferences
from consent.views.receipts import handed_out
from contacts.models import Contact
from tenants import visitors
from tenants.scope import tenant_scope

TOO_MANY = 429
# Each is signed, and a PDF is drawn: enough for everything on the page, several times.
MOST, WITHIN_S = 60, 60


@never_cache
@require_safe
def receipt(request: HttpRequest, token: str, event_id: uuid.UUID, kind: str) -> HttpResponse:
    """A new receipt of something that this person said; of nobody else's.

    The audit trail keeps what the team does, so it does not name this.
    """
    found = preferences.person(token)
    if found is None:
        raise Http404
    with tenant_scope(found.tenant):
        if visitors.is_too_often(f"own-receipts:{found.contact.pk}", most=MOST, within_s=WITHIN_S):
            return _wait(found.contact)
        event = get_object_or_404(queries.history(found.contact), event_id=event_id)
        document = receipts.receipt(contact=found.contact, event=event)
    # Outside of the transaction, because a PDF takes a while to draw.
    with translation.override(document["language"]):
        response = handed_out(request, document, kind)
    # Its address opens the person's page, so it goes to nobody.
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


def _wait(contact: Contact) -> HttpResponse:
    told = speaking.texts(contact.tenant, "en" if contact.language.startswith("en") else "de")["too_often"]
    return HttpResponse(
        told, status=TOO_MANY, content_type="text/plain; charset=utf-8", headers={"Retry-After": str(WITHIN_S)}
    )
