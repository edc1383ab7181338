"""A sign-up form to be put up: DIN A5 with headline, QR code and the same in words (CG-60)."""

from io import BytesIO

import segno
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A5
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from consent import colors, signups, speaking
from consent.models import SignupForm, SignupPlace
from consent.printing.paper import INK, SOFT, printable, styled, text
from consent.queries import controller_of, published
from contacts import phones

WIDTH, HEIGHT = A5
MARGIN = 12 * mm
CODE = 88 * mm
INNER = WIDTH - 2 * MARGIN


def poster(form: SignupForm, place: SignupPlace) -> bytes:
    """The sheet for one place, as PDF; in the language of the form's wording, German first."""
    controller, version = controller_of(form.tenant), published(form.wording)
    language = "de" if version is None or version.texts.get("de") else next(iter(version.texts))
    said = speaking.texts(form.tenant, language)
    address = signups.page_url(form, place)
    brand = HexColor(controller.brand_color)
    out = BytesIO()
    canvas = Canvas(out, pagesize=A5, pageCompression=1)
    canvas.setTitle(printable(form.headline))
    canvas.setAuthor(printable(controller.legal_name or form.tenant.name))
    y = _head(canvas, form, brand, HexColor(colors.text_on(controller.brand_color)))
    y = _code(canvas, address, y)
    y = _lines(canvas, y, said["scan_poster"], 13, INK, bold=True)
    y = _lines(canvas, y, address.removeprefix("https://").removeprefix("http://"), 9, SOFT)
    if form.keyword:
        told = said["write_poster"].format(keyword=form.keyword.upper(), number=phones.shown(form.number))
        y = _lines(canvas, y - 2 * mm, told, 11, INK)
    _foot(canvas, form, said)
    canvas.save()
    return out.getvalue()


def _head(canvas: Canvas, form: SignupForm, brand: Color, on_brand: Color) -> float:
    """Headline and benefit on the brand's colour; returns where it ends."""
    parts = [text(form.headline, styled(20, bold=True, colour=on_brand, alignment=1))]
    if form.benefit:
        parts.append(text(form.benefit, styled(13, colour=on_brand, alignment=1)))
    heights = [part.wrap(INNER, HEIGHT)[1] for part in parts]
    bottom = HEIGHT - sum(heights) - 16 * mm - 3 * mm * (len(parts) - 1)
    canvas.setFillColor(brand)
    canvas.rect(0, bottom, WIDTH, HEIGHT - bottom, stroke=0, fill=1)
    y = HEIGHT - 8 * mm
    for part, height in zip(parts, heights, strict=True):
        part.drawOn(canvas, MARGIN, y - height)
        y -= height + 3 * mm
    return bottom


def _code(canvas: Canvas, address: str, top: float) -> float:
    """The QR code as black squares, its quiet zone around it; returns where it ends."""
    rows = list(segno.make(address, error="q", micro=False).matrix_iter(border=4))
    size = CODE / len(rows)
    left, bottom = (WIDTH - CODE) / 2, top - 4 * mm - CODE
    canvas.setFillColor(HexColor("#000000"))
    for y, row in enumerate(rows):
        for x, is_dark in enumerate(row):
            if is_dark:
                # A hair larger, so that no printer leaves white lines between them.
                canvas.rect(left + x * size, bottom + CODE - (y + 1) * size, size * 1.02, size * 1.02, stroke=0, fill=1)
    return bottom


def _lines(canvas: Canvas, top: float, words: str, size: float, colour: Color, *, bold: bool = False) -> float:
    """A centred text; returns where it ends."""
    part: Paragraph = text(words, styled(size, bold=bold, colour=colour, alignment=1, splitLongWords=1))
    _width, height = part.wrap(INNER, HEIGHT)
    part.drawOn(canvas, MARGIN, top - height)
    return float(top - height - 1 * mm)


def _foot(canvas: Canvas, form: SignupForm, said: dict[str, str]) -> None:
    """The way out, who is responsible, and above them the conditions of the benefit (CG-05)."""
    told = [f"{said['stop_poster']} {said['responsible']}"]
    if form.benefit and form.benefit_terms:
        told.insert(0, f"{said['terms']}: {form.benefit_terms}")
    part: Paragraph = text("\n".join(told), styled(8, colour=SOFT, alignment=1))
    part.wrap(INNER, HEIGHT)
    part.drawOn(canvas, MARGIN, 8 * mm)
