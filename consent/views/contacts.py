"""The contact screens: finding people, and one person with what may be sent to them and why."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from consent import proving, queries, reasons, telling, topics
from consent.actions import preferences
from consent.models import Channel, Purpose
from contacts import queries as people
from contacts.models import Contact
from tenants.pages import TenantRequest, requires, search_of, stretch_of, to_search

SHOWN = 20
# Of attributes that the product itself notes; the company's own bear the names it gave them.
LABELS = {"whatsapp_name": gettext_lazy("Name in WhatsApp")}


@require_http_methods(["GET", "POST"])
@requires("contacts:read")
def contacts(request: TenantRequest) -> HttpResponse:
    """Contacts, newest first, found by phone, e-mail, customer number or name; never counted."""
    if request.method == "POST":
        return to_search(request)
    search = search_of(request)
    found = people.search(people.with_tags(request.tenant.contacts.all()), search, request.tenant.country)
    stretch = stretch_of(found, request)
    shows_consent = request.membership.may("consent:read")
    codes = queries.refusals(request.tenant, stretch.rows, Channel.WHATSAPP, Purpose.MARKETING) if shows_consent else {}
    context = {
        "stretch": stretch,
        "rows": [_row(contact, codes.get(contact.pk, "")) for contact in stretch.rows],
        "search": search,
        "shows_consent": shows_consent,
    }
    return render(request, "consent/contacts.html#list" if request.htmx else "consent/contacts.html", context)


@require_GET
@requires("contacts:read")
def contact(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """One person: master data and, for who may read consent, its states, "may I send?" and its history."""
    found = get_object_or_404(people.with_tags(request.tenant.contacts.all()), uid=uid)
    shows_consent = request.membership.may("consent:read")
    context = {
        "contact": found,
        # Not by the template, which would take an attribute named "items" for the method.
        "attributes": [(LABELS.get(key, key), value) for key, value in sorted(found.attributes.items())],
        "shows_consent": shows_consent,
        "topics": topics.of(found),
        "topic_changes": topics.changes(found),
        **(_consent(found) if shows_consent else {}),
    }
    return render(request, "consent/contact.html", context)


def _row(contact: Contact, code: str) -> dict[str, Any]:
    return {"contact": contact, "reason": reasons.of(code), "tone": proving.tone(code)}


def _consent(contact: Contact) -> dict[str, Any]:
    history = list(queries.history(contact)[: SHOWN + 1])
    said = [{"event": row, "title": telling.state(row.state), "tone": telling.tone(row.state)} for row in history]
    return {
        "badges": [{"state": state, "tone": telling.tone(state.state)} for state in queries.states(contact)],
        "channels": proving.answers(contact),
        "own_page": preferences.url(contact),
        "history": said[:SHOWN],
        "has_more": len(said) > SHOWN,
    }
