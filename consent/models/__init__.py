"""The append-only ledger of yes and no, what it adds up to per person, wordings, and requests of people."""

from consent.models.choices import Authority, BlockReason, Channel, Purpose, Source, State, Way
from consent.models.claims import ImportClaim
from consent.models.consent import (
    ConsentEvent,
    ConsentEvidence,
    ConsentHead,
    ConsentState,
    LedgerAnchor,
    LedgerCheck,
    LedgerDeposit,
    Suppression,
)
from consent.models.processing import Agreement, Announcement, Breach, EndedContract, Handover, Processor, SubProcessor
from consent.models.rights import DataRequest, Disposal
from consent.models.signup import AddressRequest, SignupCode, SignupForm, SignupPlace, SignupRequest
from consent.models.wordings import Controller, Invalidation, Logo, Wording, WordingVersion

__all__ = [
    "AddressRequest",
    "Agreement",
    "Announcement",
    "Authority",
    "BlockReason",
    "Breach",
    "Channel",
    "ConsentEvent",
    "ConsentEvidence",
    "ConsentHead",
    "ConsentState",
    "Controller",
    "DataRequest",
    "Disposal",
    "EndedContract",
    "Handover",
    "ImportClaim",
    "Invalidation",
    "LedgerAnchor",
    "LedgerCheck",
    "LedgerDeposit",
    "Logo",
    "Processor",
    "Purpose",
    "SignupCode",
    "SignupForm",
    "SignupPlace",
    "SignupRequest",
    "Source",
    "State",
    "SubProcessor",
    "Suppression",
    "Way",
    "Wording",
    "WordingVersion",
]
