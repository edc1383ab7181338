"""The page that the mail of a sign-up leads to: one look, one button, and a yes to e-mail and nothing else (CG-11)."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from consent import mailing, signups, speaking
from consent.actions import addresses, preferences
from consent.models import AddressRequest, SignupForm
from consent.views.public import GONE, language_of, page, visitor_of
from tenants.scope import tenant_scope


@never_cache
# The token in the address is the right to do it, as on the other pages that people see.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Shows what would be agreed to, and grants it on POST alone: mail servers open every link to look for viruses."""
    found = addresses.find(token)
    if found is None:
        return _unknown(request)
    with tenant_scope(found.tenant):
        language = language_of(request, None, found.signup.language)
        if request.method == "POST":
            if contact := addresses.confirm(found, visitor=visitor_of(request)):
                # Who has the mailbox need not be who has the number of a contact that was found by the address alone.
                is_theirs = found.contact_id is not None or not (contact.phone or contact.bsuid)
                context = {"own_page": preferences.url(contact) if is_theirs else ""}
                return page(request, found.tenant, language, "public/confirmed.html", context)
            # Another window may have been faster.
            found = addresses.find(token) or found
        return _shown(request, found, language)


def _shown(request: HttpRequest, found: AddressRequest, language: str) -> HttpResponse:
    standing = addresses.standing(found)
    if standing != "open":
        return _over(request, found, language, standing)
    asked = mailing.asked(found)
    context = {
        "address": mailing.evidence(found)["email"],
        "wordings": mailing.in_words(asked, language),
        "policy_url": asked[0].policy_url,
        "languages": speaking.LANGUAGES,
    }
    return page(request, found.tenant, language, "public/confirm.html", context)


def _over(request: HttpRequest, found: AddressRequest, language: str, standing: str) -> HttpResponse:
    """Says that the link was used or is too old, and that nothing has changed (CG-14)."""
    said = speaking.texts(found.tenant, language)
    form = found.signup.form
    context: dict[str, Any] = {"title": said["mail_used"], "text": said["mail_used_text"]}
    if standing == "late":
        again = signups.page_url(form) if form.state == SignupForm.State.LIVE else ""
        context = {"title": said["invalid"], "text": said["mail_late"], "again": again}
    return page(request, found.tenant, language, "public/confirm_over.html", context, GONE)


def _unknown(request: HttpRequest) -> HttpResponse:
    language = language_of(request, None)
    said: dict[str, str] = {**(speaking.EN if language == "en" else {**speaking.DU, **speaking.SIE})}
    context = {"said": {**said, "invalid_text": said["mail_late"]}, "language": language}
    response = render(request, "public/invalid.html", context, status=GONE)
    response["Referrer-Policy"] = "no-referrer"
    return response
