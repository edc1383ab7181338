"""Talks to Meta's Cloud API: `Client` for single calls, `read_answer` for whoever sends in bulk."""

from whatsapp.client.answers import Accepted, Usage, read_answer, read_usage
from whatsapp.client.calls import Client

__all__ = ["Accepted", "Client", "Usage", "read_answer", "read_usage"]
