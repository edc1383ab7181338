"""Which requests for a public address come from a person: others are answered all the same, but not counted."""

import re

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
