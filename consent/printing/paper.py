"""The look of printed pages: DIN A4, embedded fonts, a line at the foot with the number of the page."""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import reportlab
from django.utils.translation import gettext as _
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import CondPageBreak, Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from consent.proving.sections import CODE, QUOTE, Line

# Bitstream Vera comes with reportlab and is embedded, so that a proof looks the same in twenty years.
FONTS = {"Text": "Vera.ttf", "Strong": "VeraBd.ttf"}
INK, SOFT, RULE, SHADE = (HexColor(code) for code in ("#17211f", "#51605d", "#dbe1e1", "#f4f6f6"))
BRAND, GOOD, BAD = (HexColor(code) for code in ("#0b6e5d", "#17613a", "#9c1c13"))
MARGIN = 20 * mm
LABELS = 46 * mm
WIDTH = A4[0] - 2 * MARGIN
# What reportlab keeps free inside the margins, for text but not for tables.
PADDING = 6


def styled(size: float, *, bold: bool = False, colour: HexColor = INK, **more: Any) -> ParagraphStyle:
    """A style of the house."""
    name = "Strong" if bold else "Text"
    return ParagraphStyle("", fontName=name, fontSize=size, leading=size * 1.4, textColor=colour, **more)


TITLE = styled(16, bold=True, spaceAfter=2 * mm)
LEAD = styled(9, colour=SOFT, spaceAfter=4 * mm)
HEAD = styled(10.5, bold=True, spaceBefore=5 * mm, spaceAfter=1.5 * mm)
LABEL = styled(8, colour=SOFT)
VALUE = styled(8.5)
HASH = styled(7, splitLongWords=1, wordWrap="CJK")
GOOD_NEWS = styled(9, bold=True, colour=GOOD, spaceAfter=2 * mm)
BAD_NEWS = styled(9, bold=True, colour=BAD, spaceAfter=2 * mm)


def text(value: str, style: ParagraphStyle) -> Paragraph:
    """A paragraph of plain text, its line ends kept."""
    return Paragraph(escape(printable(value)).replace("\n", "<br/>"), style)


def lines(rows: Iterable[Line]) -> Table:
    """Labels on the left, values on the right; breaks over pages between the lines."""
    rows = list(rows)
    cells = [[text(row.label, LABEL), text(row.value, HASH if row.kind == CODE else VALUE)] for row in rows]
    look = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -2), 0.4, RULE),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
            ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 3),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ]
    )
    for at in (at for at, row in enumerate(rows) if row.kind == QUOTE):
        look.add("BACKGROUND", (1, at), (1, at), SHADE)
        look.add("LINEBEFORE", (1, at), (1, at), 1.5, BRAND)
    # A text may be longer than a page.
    return Table(cells, colWidths=[LABELS, WIDTH - LABELS], style=look, splitInRow=1)


def head(title: str) -> list[Flowable]:
    """A heading that does not stay behind alone at the foot of a page."""
    return [CondPageBreak(32 * mm), text(title, HEAD)]


def pdf(story: Sequence[Flowable], *, title: str, author: str, foot: str) -> bytes:
    """The finished file; `foot` stands at the bottom of every page."""
    _fonts()
    pages = _("Page %(number)s")

    def footer(canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont("Text", 7)
        canvas.setFillColor(SOFT)
        canvas.drawString(MARGIN, 11 * mm, printable(foot))
        canvas.drawRightString(A4[0] - MARGIN, 11 * mm, pages % {"number": document.page})
        canvas.restoreState()

    out = BytesIO()
    margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), MARGIN - PADDING)
    document = SimpleDocTemplate(out, pagesize=A4, title=title, author=author, creator="Zusage", **margins)
    document.build([*story, Spacer(1, 1)], onFirstPage=footer, onLaterPages=footer)
    return out.getvalue()


def printable(value: str) -> str:
    """The text with signs that the font lacks replaced: by their base letter, else by their number, never dropped."""
    return "".join(map(_sign, unicodedata.normalize("NFC", value)))


def _sign(sign: str) -> str:
    if sign == "\n" or _has(sign):
        return sign
    kind = unicodedata.category(sign)
    if kind in ("Cf", "Mn", "Zs", "Pd"):
        return " " if kind == "Zs" else "-" if kind == "Pd" else ""
    base = "".join(part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part))
    return base if base and all(map(_has, base)) else f"[U+{ord(sign):04X}]"


def _has(sign: str) -> bool:
    return ord(sign) in _fonts()


@cache
def _fonts() -> frozenset[int]:
    """Registers the fonts once per process; returns which signs both of them have."""
    folder = Path(reportlab.__file__).parent / "fonts"
    known = []
    for name, file in FONTS.items():
        font = TTFont(name, folder / file)
        pdfmetrics.registerFont(font)
        known.append(frozenset(font.face.charToGlyph))
    return known[0] & known[1]
