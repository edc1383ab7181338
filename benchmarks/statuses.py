"""Webhook bodies with statuses as Meta posts them, signed and written to a file for `benchmarks.load`."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from whatsapp.signature import sign

AT = "1800000000"
T = TypeVar("T")


def of(wamid: str, name: str = "sent", *, number_id: str = "20001", waba_id: str = "10001") -> bytes:
    """A body with one status, about 650 bytes."""
    return body([status(wamid, name)], number_id=number_id, waba_id=waba_id)


def status(wamid: str, name: str, *, callback: str = "", at: str = AT) -> dict[str, Any]:
    """One status with conversation and price, as the API of 2025 tells them."""
    told = {
        "id": wamid,
        "status": name,
        "timestamp": at,
        "recipient_id": "4930231250001",
        "conversation": {"id": "c0ffee00c0ffee00c0ffee00c0ffee00", "origin": {"type": "marketing"}},
        "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"},
    }
    return told | ({"biz_opaque_callback_data": callback} if callback else {})


def body(told: Sequence[dict[str, Any]], *, number_id: str, waba_id: str) -> bytes:
    """A body with these statuses of one number."""
    metadata = {"display_phone_number": "493023125000", "phone_number_id": number_id}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": list(told)}
    change = {"value": value, "field": "messages"}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": waba_id, "changes": [change]}]}).encode()


def wamid_of(stored: bytes) -> str:
    """The first status' message in a body."""
    return str(json.loads(stored)["entry"][0]["changes"][0]["value"]["statuses"][0]["id"])


def batched(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The rows in pieces of this size."""
    return (rows[at : at + size] for at in range(0, len(rows), size))


def written(path: Path, secret: str, bodies: Iterable[bytes]) -> Path:
    """Write bodies with their signatures, one per line."""
    with path.open("wb") as file:
        for one in bodies:
            file.write(sign(secret, one).encode() + b"\t" + one + b"\n")
    return path
