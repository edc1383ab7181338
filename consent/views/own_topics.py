"""A person's topics, by the link to their page: joined and left with one click, without login (R-34)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from consent.actions import preferences, topics
from consent.views.public import language_of
from tenants.scope import tenant_scope


@never_cache
# The token in the address is the right to do it, as for a no (consent.views.public.choose).
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest, token: str) -> HttpResponse:
    """Keep exactly the ticked topics; who only looks, or comes by an old link, is led to the page."""
    page, found = reverse("preferences", kwargs={"token": token}), preferences.person(token)
    if found is None or request.method != "POST":
        return redirect(page)
    with tenant_scope(found.tenant):
        topics.choose(found.contact, request.POST.getlist("topic"))
        language = language_of(request, None, found.contact.language)
    return redirect(f"{page}?topics=1&lang={language}")
