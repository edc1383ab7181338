"""Secrets at rest, unforgeable tokens and signatures: AES-GCM, AES-SIV for tokens of integers, Ed25519.

Keys come from FIELD_ENCRYPTION_KEYS, newest first; each use derives its own key, so one use cannot read another's.
"""

import base64
import os
import struct
from functools import cache

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class CannotDecrypt(Exception):
    """The value was not encrypted with any configured key, or belongs to another row."""


class BadToken(Exception):
    """The token was not made here, was made for another use, or was altered."""


def encrypt(plain: str, *, binding: str) -> str:
    """Encrypt a secret for storage.

    `binding` names the row and field ("whatsapp.Account.token:<tenant id>"): the value decrypts nowhere else, so a
    copied ciphertext is useless. Returns "<key id>:<base64>".
    """
    key_id = _key_ids()[0]
    nonce = os.urandom(12)
    sealed = _gcm(key_id).encrypt(nonce, plain.encode(), binding.encode())
    return f"{key_id}:{base64.b64encode(nonce + sealed).decode()}"


def decrypt(stored: str, *, binding: str) -> str:
    """The secret behind a stored value; raises CannotDecrypt."""
    key_id, _, payload = stored.partition(":")
    if key_id not in _key_ids():
        raise CannotDecrypt(f"no key named {key_id!r} in FIELD_ENCRYPTION_KEYS")
    try:
        raw = base64.b64decode(payload)
        return _gcm(key_id).decrypt(raw[:12], raw[12:], binding.encode()).decode()
    except (InvalidTag, ValueError):
        raise CannotDecrypt(f"value is not bound to {binding}") from None


def seal(use: str, *numbers: int) -> str:
    """A URL-safe token that carries integers, unreadable and unforgeable (128-bit tag): 43 characters for two.

    It needs no row and no index: the number of recipients times links would be the largest table of all.
    """
    packed = struct.pack(f">{len(numbers)}q", *numbers)
    return base64.urlsafe_b64encode(_siv(_key_ids()[0]).encrypt(packed, [use.encode()])).rstrip(b"=").decode()


def unseal(use: str, token: str) -> tuple[int, ...]:
    """The integers that `seal` put in; raises BadToken."""
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except ValueError:
        raise BadToken(use) from None
    for key_id in _key_ids():
        try:
            packed = _siv(key_id).decrypt(raw, [use.encode()])
        except (InvalidTag, ValueError):
            continue
        return struct.unpack(f">{len(packed) // 8}q", packed)
    raise BadToken(use)


def sign(use: str, text: bytes) -> tuple[str, bytes]:
    """Ed25519 over `text` with the newest key: (key id, 64 bytes). Who has only the database cannot make one."""
    key_id = _key_ids()[0]
    return key_id, _ed25519(key_id, use).sign(text)


def newest_key() -> str:
    """The id of the key that `sign` uses now, for texts that name it themselves."""
    return _key_ids()[0]


def is_signed(use: str, text: bytes, key_id: str, signature: bytes) -> bool:
    """Whether this key made this signature of exactly this text for this use; False for a key that is gone."""
    if key_id not in _key_ids():
        return False
    try:
        _ed25519(key_id, use).public_key().verify(signature, text)
    except InvalidSignature:
        return False
    return True


def public_key(use: str, key_id: str) -> bytes:
    """The 32 bytes with which anybody can check what `sign` made. Raises KeyError for an unknown key."""
    return _ed25519(key_id, use).public_key().public_bytes_raw()


@cache
def _ed25519(key_id: str, use: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_derived(key_id, f"sign:{use}", 32))


@cache
def _gcm(key_id: str) -> AESGCM:
    return AESGCM(_derived(key_id, "field", 32))


@cache
def _siv(key_id: str) -> AESSIV:
    return AESSIV(_derived(key_id, "token", 64))


@cache
def _derived(key_id: str, use: str, length: int) -> bytes:
    master = base64.b64decode(dict(entry.split(":", 1) for entry in settings.FIELD_ENCRYPTION_KEYS)[key_id])
    return HKDF(SHA256(), length=length, salt=None, info=f"zusage:{use}".encode()).derive(master)


def _key_ids() -> list[str]:
    return [entry.split(":", 1)[0] for entry in settings.FIELD_ENCRYPTION_KEYS]
