"""Recording what people declare: a yes, a no, a stop in WhatsApp, a restriction, a new number.

Ledger and suppression list change in one transaction. Every function is idempotent by `dedupe`, a text that names the
cause (a wamid, a webhook's id, a form's token): the same cause twice adds nothing and changes nothing. `by` is the user
or API key that acts for the person and leaves an audit row; None when the person or the product itself acts.
"""

from consent.actions.declarations.agreeing import grant, keep_open, request
from consent.actions.declarations.changing import (
    edited,
    erased,
    last_noes,
    lost,
    merged,
    moved,
    restrict,
    stranger_moved,
    unrestrict,
)
from consent.actions.declarations.refusing import object_, refuse, suppress, withdraw
from consent.actions.declarations.stopping import meta_resumed, meta_stopped

__all__ = [
    "edited",
    "erased",
    "grant",
    "keep_open",
    "last_noes",
    "lost",
    "merged",
    "meta_resumed",
    "meta_stopped",
    "moved",
    "object_",
    "refuse",
    "request",
    "restrict",
    "stranger_moved",
    "suppress",
    "unrestrict",
    "withdraw",
]
