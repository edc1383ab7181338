"""Signs webhook bodies as Meta does and tells whether a signature or verify token is right."""

import hashlib
import hmac
from collections.abc import Iterable

_PREFIX = "sha256="


def sign(secret: str, body: bytes) -> str:
    """The value of the header X-Hub-Signature-256 for a raw body, keyed with the app secret."""
    return _PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_valid(secrets: Iterable[str], body: bytes, header: str | None) -> bool:
    """Whether the header signs these raw bytes with one of the secrets (several while one is replaced).

    Compares in constant time and looks at every secret; an empty secret never matches.
    Source: Meta "Create a webhook endpoint", validating payloads.
    """
    given = (header or "").encode(errors="replace")
    matched = False
    for secret in secrets:
        matched |= bool(secret) and hmac.compare_digest(sign(secret, body).encode(), given)
    return matched


def token_matches(expected: str, given: str | None) -> bool:
    """Whether the verify token of the GET handshake is ours; an empty expectation never matches."""
    same = hmac.compare_digest(expected.encode(), (given or "").encode(errors="replace"))
    return same and bool(expected)


def app_secret_proof(app_secret: str, token: str) -> str:
    """The `appsecret_proof` that ties a token to our app. Source: Meta "Securing Graph API calls"."""
    return hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
