"""A receipt of consent on paper, made from its JSON alone."""

from collections.abc import Mapping
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from reportlab.platypus import Flowable

from consent.printing.paper import LEAD, TITLE, head, lines, pdf, text
from consent.receipts import read


def receipt(document: Mapping[str, Any]) -> bytes:
    """The PDF of a receipt, in its own language."""
    sheet = read(document)
    with translation.override(sheet.language):
        story: list[Flowable] = [text(sheet.title, TITLE), text(sheet.company, LEAD)]
        for part in sheet.parts:
            story += [*head(part.title), lines(part.lines)]
        foot = _("%(company)s · receipt %(receipt)s")
        named = {"company": sheet.company, "receipt": document["receipt_id"]}
        return pdf(story, title=sheet.title, author=sheet.company, foot=foot % named)
