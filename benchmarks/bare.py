"""The least a webhook door can do: read the body, check its signature, answer. Stores nothing.

Started as `uvicorn benchmarks.bare:application`; the limit beside which our door is measured.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from whatsapp import signature

Message = MutableMapping[str, Any]
SECRETS = [os.environ.get("WHATSAPP_APP_SECRET", "")]


async def application(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """ASGI: 200 for a body with the right signature, else 403."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    header = dict(scope["headers"]).get(b"x-hub-signature-256", b"").decode("latin-1")
    status = 200 if signature.is_valid(SECRETS, body, header) else 403
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
