"""The only way into the consent ledger: append rows, fold them into states, prove that nothing was altered."""

from consent.ledger.appending import append, lock
from consent.ledger.entries import Appended, Entry
from consent.ledger.folding import Folded, Happened, fold

__all__ = ["Appended", "Entry", "Folded", "Happened", "append", "fold", "lock"]
