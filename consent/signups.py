"""What a sign-up is made of: its token, the address that opens WhatsApp with it, and the page's own address."""

import base64
import hashlib
import re
import secrets
from urllib.parse import quote

from django.conf import settings
from django.urls import reverse

from consent import keywords
from consent.models import SignupForm, SignupPlace, WordingVersion
from tenants.models import Tenant

# 128 bits, so that nobody confirms what another person has asked for (CG-14).
TOKEN_BYTES = 16
WORD = "START"
TOKEN = re.compile(r"\bSTART[\s:-]*([A-Z2-7]{26})\b", re.I)
# Of a place: without letters that are mistaken for each other on paper, and so without any word that ends something.
CODE_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
CODE_LENGTH = 8
# A keyword with the code of a place behind it, as its QR code fills it in.
AT_PLACE = re.compile(rf"(?P<word>.{{3,40}}?)[\s,:-]+(?P<code>[{CODE_SIGNS}]{{{CODE_LENGTH}}})\W*", re.I | re.S)
# A button's payload: which form's text was shown, in which version.
QUESTION = "optin:"
PAYLOAD = re.compile(QUESTION + r"(?P<form>[0-9a-f-]{36}):(?P<version>\d+)")
FORM_REF = "form "
YESES = {"ja", "ja anmelden", "ja gerne", "ja bitte", "ok", "okay", "yes", "yes please"}
NOS = {"nein", "nein danke", "noe", "nee", "no", "no thanks", "no thank you"}


def numbers(tenant: Tenant) -> dict[str, str]:
    """The business numbers in which people can confirm: as they are stored, E.164, and as people read them."""
    shown = [number.display_number for number in tenant.numbers.order_by("pk")]
    return {stored(one): one for one in shown}


def stored(shown: str) -> str:
    """A business number as forms store it, E.164, from how Meta shows it."""
    return "+" + "".join(sign for sign in shown if sign.isdigit())


def new_token() -> str:
    """26 letters and digits that can also be typed by hand."""
    return base64.b32encode(secrets.token_bytes(TOKEN_BYTES)).decode().rstrip("=")


def digest(token: str) -> str:
    """What is stored of a token; nothing else of it is."""
    return hashlib.sha256(token.upper().encode()).hexdigest()


def token_in(text: str) -> str | None:
    """The token that a message brings, in any spelling."""
    found = TOKEN.search(text)
    return found[1].upper() if found else None


def is_yes(text: str) -> bool:
    """Whether a message is a plain yes; it counts only as the answer to a question of ours."""
    return keywords.normalise(text) in YESES


def is_no(text: str) -> bool:
    """Whether a message is a plain no; like a yes it counts only as an answer."""
    return keywords.normalise(text) in NOS


def payload(form: SignupForm, version_id: int) -> str:
    """What the button "yes" brings back."""
    return f"{QUESTION}{form.uid}:{version_id}"


def message(token: str) -> str:
    """What the person sends to confirm."""
    return f"{WORD} {token}"


def whatsapp_link(number: str, text: str) -> str:
    """The address that opens WhatsApp with this text, ready to be sent. Source: Meta "Click to chat"."""
    return f"https://wa.me/{number.lstrip('+')}?text={quote(text)}"


def keyword_message(form: SignupForm, place: SignupPlace | None = None) -> str:
    """What the person sends to be shown the wording: the form's keyword, and where they found it."""
    word = form.keyword.upper() or WORD
    return f"{word} {place.code}" if place else word


def keyword_link(form: SignupForm, place: SignupPlace | None = None) -> str:
    """The address that opens WhatsApp with the keyword."""
    return whatsapp_link(form.number, keyword_message(form, place))


def place_in(text: str) -> tuple[str, str] | None:
    """The word and the place's code that a message consists of, "brot k7m2qxyz"; None if it looks otherwise."""
    found = AT_PLACE.fullmatch(text.strip())
    return (keywords.normalise(found["word"]), found["code"].lower()) if found else None


def page_url(form: SignupForm, place: SignupPlace | None = None) -> str:
    """The public address of a form's page, as it is printed and linked."""
    path = reverse("signup_page", kwargs={"company": form.tenant.slug, "form_slug": form.slug})
    return f"{settings.PUBLIC_URL}{path}" + (f"?o={place.code}" if place else "")


def direct_url(form: SignupForm, place: SignupPlace) -> str:
    """The address of a place that opens WhatsApp at once, without the form's page."""
    kwargs = {"company": form.tenant.slug, "form_slug": form.slug, "code": place.code}
    return settings.PUBLIC_URL + reverse("signup_direct", kwargs=kwargs)


def ref(form: SignupForm, place: SignupPlace | None) -> str:
    """Which form, and at which place, as a row of the ledger names it: "form theke, k7m2qxyz"."""
    return f"{FORM_REF}{form.slug}" + (f", {place.code}" if place else "")


def pairs_of(version: WordingVersion, channel: str = "") -> list[tuple[str, str]]:
    """The (channel, purpose) pairs that a version is a yes to, of all channels or of one."""
    pairs = [(str(covered), str(purpose)) for covered, purpose in version.covers]
    return [pair for pair in pairs if channel in ("", pair[0])]
