"""What is known of a person's consent and how it is proven: every row about them checked again, and "may I send?"."""

from consent.proving.answering import answers, tone
from consent.proving.collecting import Proof, Step, proof
from consent.proving.sections import Section, sections

__all__ = ["Proof", "Section", "Step", "answers", "proof", "sections", "tone"]
