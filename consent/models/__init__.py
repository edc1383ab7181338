"""The append-only ledger of yes and no, what it adds up to per person, wordings, and requests of people."""

from consent.models.choices import Authority, Channel, Purpose, Source, State
from consent.models.consent import (
    ConsentEvent,
    ConsentEvidence,
    ConsentHead,
    ConsentState,
    LedgerAnchor,
    Suppression,
)
from consent.models.rights import DataRequest, Disposal
from consent.models.signup import SignupCode, SignupForm, SignupPlace, SignupRequest
from consent.models.wordings import Controller, Invalidation, Wording, WordingVersion

__all__ = [
    "Authority",
    "Channel",
    "ConsentEvent",
    "ConsentEvidence",
    "ConsentHead",
    "ConsentState",
    "Controller",
    "DataRequest",
    "Disposal",
    "Invalidation",
    "LedgerAnchor",
    "Purpose",
    "SignupCode",
    "SignupForm",
    "SignupPlace",
    "SignupRequest",
    "Source",
    "State",
    "Suppression",
    "Wording",
    "WordingVersion",
]
