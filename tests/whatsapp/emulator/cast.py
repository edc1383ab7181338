"""Who meets in the sandbox: an account with its number, Ada, and the templates they use."""

from collections.abc import Callable
from typing import Any

import pytest

from whatsapp.errors import Refused
from whatsapp.payloads import Recipient

ACCOUNT, NUMBER = "102290129340398", "106540352242922"
ADA = Recipient(phone="+4930231254001")
SECRET = "app-secret"


def definition(name: str, text: str = "Der Frühling ist da.", **fields: Any) -> dict[str, Any]:
    """A template as it is handed in; `fields` replace or add some of it."""
    return {
        "name": name,
        "category": "MARKETING",
        "language": "de",
        "components": [{"type": "BODY", "text": text}],
        **fields,
    }


def refusal_of(call: Callable[[], object]) -> Refused:
    """What a call is refused with; a call that is not fails the test."""
    with pytest.raises(Refused) as refusal:
        call()
    return refusal.value


def code_of(call: Callable[[], object]) -> int:
    """The code a call is refused with, 0 if it is not."""
    try:
        call()
    except Refused as refusal:
        return refusal.code
    return 0
