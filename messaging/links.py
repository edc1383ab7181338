"""Tracked links: the token behind `/r/<token>`, and which requests count as a person's click."""

import re
from dataclasses import dataclass

from django.conf import settings

from tenants.encryption import BadToken, seal, unseal

# Previews fetch a link before anybody has seen it; crawlers and scanners follow every link.
NOT_A_PERSON = re.compile(
    r"whatsapp|facebookexternalhit|facebot|meta-external|bot\b|crawler|spider|preview|slurp|bingpreview"
    r"|python-|curl/|wget/|go-http-client|okhttp|headless|monitor|scanner|^$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Target:
    """What a token names; `message_id` is None where the recipient did not consent to tracking (CG-35)."""

    tenant_id: int
    link_id: int
    message_id: int | None


def token(*, tenant_id: int, link_id: int, message_id: int | None) -> str:
    """The unforgeable token of a link for one message, or for all who are not tracked."""
    return seal("link", tenant_id, link_id, message_id or 0)


def target(text: str) -> Target | None:
    """What a token names; None if it was not made here."""
    try:
        tenant_id, link_id, message_id = unseal("link", text)
    except (BadToken, ValueError):
        return None
    return Target(tenant_id, link_id, message_id or None)


def prefix() -> str:
    """What a template's URL button must start with to be tracked: "https://…/r/"."""
    return f"{settings.PUBLIC_URL}/r/"


def is_person(*, method: str, user_agent: str, purpose: str) -> bool:
    """Whether a request is a click: GET by a browser, neither preview nor prefetch nor bot."""
    return method == "GET" and "prefetch" not in purpose.lower() and not NOT_A_PERSON.search(user_agent)
