"""Tracked links: addresses in texts, the token behind `/r/<token>`, and which requests count as a person's click."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from tenants.encryption import BadToken, seal, unseal

# A sentence's punctuation, quotes and WhatsApp's marks (*, _, ~) around an address are not part of it, and brackets
# only in pairs: "(https://shop.example/a_(b))." leads to /a_(b).
_OUTSIDE = r"\s<>\[\]{}|\\^`\"„“”‚‘’«»‹›"
_PAIR = rf"\([^{_OUTSIDE}()]*\)"
ADDRESS = re.compile(rf"(https?://(?:[^{_OUTSIDE}()]|{_PAIR})*(?:[^{_OUTSIDE}().,;:!?…'*_~]|{_PAIR}))", re.IGNORECASE)
ADDRESS_LIMIT = 2000
LABEL_LIMIT = 60


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
    """What every tracked link starts with, a template's URL button too: "https://…/r/"."""
    return f"{settings.PUBLIC_URL}/r/"


def split(text: str) -> list[str]:
    """Cut a text at the addresses that are tracked: words stand at even places, addresses at odd ones."""
    pieces = [""]
    for place, piece in enumerate(ADDRESS.split(text)):
        if place % 2 and _is_tracked(piece):
            pieces += [piece, ""]
        else:
            pieces[-1] += piece
    return pieces


def as_sent(text: str) -> str:
    """The text as it is sent, with a token of nobody in place of each address: tokens are equally long."""
    stand_in = prefix() + token(tenant_id=0, link_id=0, message_id=None)
    return "".join(stand_in if place % 2 else piece for place, piece in enumerate(split(text)))


def label(address: str) -> str:
    """What a link in a text is called in reports: "shop.example/aktion"."""
    parts = urlsplit(address)
    return f"{parts.hostname}{parts.path}".rstrip("/")[:LABEL_LIMIT]


def _is_tracked(address: str) -> bool:
    """Not our own pages, an opt-out is no click, nor WhatsApp's links, which would leave the app on the way back."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return False
    is_ours = f"{address}/".lower().startswith(f"{settings.PUBLIC_URL}/".lower())
    is_whatsapps = host in ("wa.me", "whatsapp.com") or host.endswith(".whatsapp.com")
    return bool(host) and len(address) <= ADDRESS_LIMIT and not is_ours and not is_whatsapps
