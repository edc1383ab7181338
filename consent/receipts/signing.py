"""Signs receipts and recognises what we signed: Ed25519 over the canonical JSON of everything but the signature."""

from collections.abc import Mapping
from typing import Any

import orjson

from tenants import encryption

USE = "consent-receipt"
SCHEMA = "ISO/IEC TS 27560:2023"
SIGNATURE = "signature"


def canonical(document: Mapping[str, Any]) -> bytes:
    """The bytes that are signed: keys sorted, no blanks, UTF-8 (RFC 8785; receipts hold no floats)."""
    signed = {name: value for name, value in document.items() if name != SIGNATURE}
    return orjson.dumps(signed, option=orjson.OPT_SORT_KEYS)


def public_key() -> str:
    """With which key `sign` signs now, in hex."""
    return encryption.public_key(USE, encryption.newest_key()).hex()


def sign(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its signature and the key that anybody can check it with."""
    key_id, value = encryption.sign(USE, canonical(document))
    signature = {
        "algorithm": "Ed25519",
        "canonicalization": "RFC 8785",
        "use": USE,
        "key_id": key_id,
        "public_key": encryption.public_key(USE, key_id).hex(),
        "value": value.hex(),
    }
    return {**document, SIGNATURE: signature}


def is_ours(document: Mapping[str, Any]) -> bool:
    """Whether we signed exactly this. The key is ours by its id: the one printed in the receipt proves nothing."""
    signature = document.get(SIGNATURE)
    if not isinstance(signature, dict):
        return False
    try:
        value, key_id = bytes.fromhex(str(signature.get("value"))), str(signature.get("key_id"))
        is_named = signature.get("public_key") == encryption.public_key(USE, key_id).hex()
        return is_named and encryption.is_signed(USE, canonical(document), key_id, value)
    except (ValueError, KeyError, TypeError, orjson.JSONEncodeError):
        return False
