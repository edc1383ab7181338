"""Who asks for a public address: a person or not (who is none is answered, but not counted), and how often."""

import re

from django.core.cache import cache
from django.http import HttpRequest

# Previews fetch a link before anybody has seen it; crawlers and scanners follow every link.
NOT_A_PERSON = re.compile(
    r"whatsapp|facebookexternalhit|facebot|meta-external|bot\b|crawler|spider|preview|slurp|bingpreview"
    r"|python-|curl/|wget/|go-http-client|okhttp|headless|monitor|scanner|^$",
    re.IGNORECASE,
)


def is_person(request: HttpRequest) -> bool:
    """Whether somebody looks: GET by a browser, neither preview nor prefetch nor bot."""
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    if request.method != "GET" or "prefetch" in purpose.lower():
        return False
    return not NOT_A_PERSON.search(request.headers.get("User-Agent", ""))


def is_too_often(what: str, *, most: int, within_s: int) -> bool:
    """Whether this is tried more than `most` times within so many seconds; each call is a try."""
    cache.add(what, 0, within_s)
    try:
        return cache.incr(what) > most
    except ValueError:
        # The time was over just then.
        return False
