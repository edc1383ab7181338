"""The public door of tracked links: `/r/<token>`."""

from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_safe

from messaging import clicking, links
from tenants import visitors


class AnyWebRedirect(HttpResponseRedirect):
    allowed_schemes = ["http", "https"]


@require_safe
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """Redirect to the link's destination and count the click, unless a preview or a bot asks."""
    target = links.target(token)
    if target is None:
        raise Http404
    url = clicking.record(target, is_counted=visitors.is_person(request))
    if url is None or urlsplit(url).scheme not in AnyWebRedirect.allowed_schemes:
        raise Http404
    response = AnyWebRedirect(url)
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex"
    return response
