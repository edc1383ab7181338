"""A sign-up form to be put up: DIN A5 with headline, QR code and the same in words (CG-60).

What people agree to stands right below the benefit and as large as it (CG-05, M-52).
"""

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import NamedTuple

import segno
from django.utils import translation
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A5
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from consent import colors, showing, signups, speaking
from consent.ledger.folding import CHANNELS
from consent.models import Channel, SignupForm, SignupPlace
from consent.printing.paper import INK, SOFT, printable, styled, text
from consent.queries import controller_of, published
from contacts import phones

WIDTH, HEIGHT = A5
MARGIN = 12 * mm
INNER = WIDTH - 2 * MARGIN
# Above and below everything, between parts, and on the brand's colour around the headline.
EDGE, GAP, PAD = 8 * mm, 2 * mm, 8 * mm
# Tried one after the other until everything fits: how large the letters are, and the code in millimetres. At 58 mm its
# dots are still a millimetre wide, at 52 nine tenths of it. Nothing gets smaller than can be read at arm's length, and
# conditions are the smallest.
SIZES = ((1.0, 88), (1.0, 76), (0.9, 76), (0.9, 66), (0.8, 66), (0.8, 58), (0.7, 58), (0.6, 52))
SMALLEST, SMALLEST_CONDITIONS = 9, 8
# As large is what people agree to.
BENEFIT = 11
# What a wording may cover that is sent, in the order of its mention.
MESSAGES = ("marketing", "survey", "transactional")


class TooMuchText(Exception):
    """The texts of the form do not fit on a sheet, however small."""


class Line(NamedTuple):
    """A text of the sheet, and how large it is best to read, in points."""

    words: str
    size: float
    colour: Color
    bold: bool = False
    smallest: float = SMALLEST


class Box(NamedTuple):
    """A part of the sheet and where it stands, from the lower left corner in points; `part` is None for the code."""

    part: Paragraph | None
    left: float
    bottom: float
    width: float
    height: float


class Sheet(NamedTuple):
    """A sheet on which nothing overlaps: boxes from top to bottom, and where the brand's colour ends."""

    boxes: list[Box]
    head_bottom: float


def poster(form: SignupForm, place: SignupPlace, *, language: str = "", is_direct: bool = False) -> bytes:
    """The sheet for one place, as PDF; in the form's own language, or another one that it is translated to.

    Its code leads to the form's page, or straight into WhatsApp. Raises TooMuchText.
    """
    controller, language = controller_of(form.tenant), language or form.language
    sheet = laid_out(form, place, language=language, is_direct=is_direct)
    out = BytesIO()
    canvas = Canvas(out, pagesize=A5, pageCompression=1, lang=language)
    canvas.setTitle(printable(showing.texts(form, language)["headline"].words))
    canvas.setAuthor(printable(controller.legal_name or form.tenant.name))
    canvas.setFillColor(HexColor(controller.brand_color))
    canvas.rect(0, sheet.head_bottom, WIDTH, HEIGHT - sheet.head_bottom, stroke=0, fill=1)
    for box in sheet.boxes:
        if box.part is None:
            _draw_code(canvas, address_of(form, place, is_direct=is_direct), box)
        else:
            box.part.drawOn(canvas, box.left, box.bottom)
    canvas.save()
    return out.getvalue()


def address_of(form: SignupForm, place: SignupPlace, *, is_direct: bool) -> str:
    """What the code of a place says."""
    return signups.direct_url(form, place) if is_direct else signups.page_url(form, place)


def laid_out(form: SignupForm, place: SignupPlace, *, language: str = "de", is_direct: bool = False) -> Sheet:
    """Where everything stands, as large as it fits; raises TooMuchText."""
    controller, said = controller_of(form.tenant), speaking.texts(form.tenant, language)
    own = {name: text.words for name, text in showing.texts(form, language).items()}
    # In the poster's language, whatever the dashboard speaks.
    with translation.override(language):
        head = list(_head(form, own, said, HexColor(colors.text_on(controller.brand_color))))
    words = list(_words(form, place, said, is_direct=is_direct))
    foot = list(_foot(own, said))
    for scale, code in SIZES:
        if sheet := _tried(head, words, foot, scale, code * mm):
            return sheet
    raise TooMuchText


def _tried(head: list[Line], words: list[Line], foot: list[Line], scale: float, code: float) -> Sheet | None:
    """The sheet with letters and code of this size; None if its parts would overlap."""
    top = _stacked(head, HEIGHT - PAD, scale)
    head_bottom = top[-1].bottom - PAD
    square = Box(None, (WIDTH - code) / 2, head_bottom - 2 * GAP - code, code, code)
    below = _stacked(words, square.bottom, scale)
    last = [box._replace(bottom=EDGE) for box in _stacked(foot, 0, scale)]
    if below[-1].bottom < EDGE + sum(box.height + GAP for box in last):
        return None
    return Sheet([*top, square, *below, *last], head_bottom)


def _head(form: SignupForm, own: Mapping[str, str], said: dict[str, str], ink: Color) -> Iterator[Line]:
    """Headline and benefit, to stand on the brand's colour, and no smaller than the benefit what people agree to."""
    yield Line(own["headline"], 20, ink, bold=True)
    if own["benefit"]:
        yield Line(own["benefit"], BENEFIT, ink)
    yield Line(_declared(form, said), BENEFIT, ink)


def _declared(form: SignupForm, said: dict[str, str]) -> str:
    """From whom what will come by which way, the way out, and where the privacy notice is; by the form's wording."""
    version = published(form.wording)
    covers = version.covers if version else []
    channels, purposes = {channel for channel, _purpose in covers}, {purpose for _channel, purpose in covers}
    ways = [str(Channel(channel).label) for channel in CHANNELS if channel in channels]
    what = [said[f"what_{purpose}"] for purpose in MESSAGES if purpose in purposes] or [said["what_else"]]
    told = said["poster_yes"].replace("{ways}", said["and"].join(ways or ["WhatsApp"]))
    told = told.replace("{what}", said["and"].join(what))
    notice = (version.policy_url if version else "") or controller_of(form.tenant).privacy_url
    return f"{told} {said['privacy']}: {_short(notice)}" if notice else told


def _words(form: SignupForm, place: SignupPlace, said: dict[str, str], *, is_direct: bool) -> Iterator[Line]:
    """What the code says, for people who cannot or will not scan it."""
    yield Line(said["scan_direct" if is_direct else "scan_poster"], 13, INK, bold=True)
    address = address_of(form, place, is_direct=is_direct)
    yield Line(_short(address), 9, SOFT)
    if form.keyword or is_direct:
        # The general word alone would lead to the company's first form.
        keyword = signups.keyword_message(form, None if form.keyword else place)
        yield Line(said["write_poster"].format(keyword=keyword, number=phones.shown(form.number)), 11, INK)


def _foot(own: Mapping[str, str], said: dict[str, str]) -> Iterator[Line]:
    """The conditions of the benefit (CG-05)."""
    if own["benefit_terms"]:
        yield Line(f"{said['terms']}: {own['benefit_terms']}", 9, INK, smallest=SMALLEST_CONDITIONS)


def _short(address: str) -> str:
    return address.removeprefix("https://").removeprefix("http://")


def _stacked(lines: list[Line], top: float, scale: float) -> list[Box]:
    """Lines one below the other, the first one right below `top`."""
    boxes = []
    for line in lines:
        size = max(line.smallest, line.size * scale)
        style = styled(size, bold=line.bold, colour=line.colour, alignment=1, splitLongWords=1)
        part = text(line.words, style)
        _width, height = part.wrap(INNER, HEIGHT)
        boxes.append(Box(part, MARGIN, top - height, INNER, height))
        top -= height + GAP
    return boxes


def _draw_code(canvas: Canvas, address: str, box: Box) -> None:
    """The QR code as black squares, its quiet zone around it."""
    rows = list(segno.make(address, error="q", micro=False).matrix_iter(border=4))
    size = box.width / len(rows)
    canvas.setFillColor(HexColor("#000000"))
    for y, row in enumerate(rows):
        for x, is_dark in enumerate(row):
            if is_dark:
                # A hair larger, so that no printer leaves white lines between them.
                left, bottom = box.left + x * size, box.bottom + box.height - (y + 1) * size
                canvas.rect(left, bottom, size * 1.02, size * 1.02, stroke=0, fill=1)
