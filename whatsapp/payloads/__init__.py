"""Builds the JSON bodies of everything marketing sends over WhatsApp; pure functions, dicts out.

Read `recipient` first (whom), then `templates` with its `parts`, `messages`, `interactive`, and `linting` for
template definitions. Source of shapes and limits: Meta "Send messages" and "Components", 2026.
"""

from whatsapp.payloads import files, interactive, linting, messages, parts, templates
from whatsapp.payloads.limits import InvalidPayload
from whatsapp.payloads.linting import Problem, lint
from whatsapp.payloads.recipient import Payload, Recipient

__all__ = [
    "InvalidPayload",
    "Payload",
    "Problem",
    "Recipient",
    "files",
    "interactive",
    "lint",
    "linting",
    "messages",
    "parts",
    "templates",
]
