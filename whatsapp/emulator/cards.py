"""Pictures behind the addresses of QR codes: a card with the short link as text.

The sandbox draws no scannable code: that would need a library which nothing else here needs.
"""

import struct
import zlib
from collections.abc import Sequence

SCALE = 4
MARGIN = 2
_HEADLINE = "SANDBOX"
# Each sign five rows of three dots, a row as an octal digit.
_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./"
_ROWS = 5
_DIGITS = (
    "25755656563444365556746477464434553557557222711152556554444757755"
    "65555255526564425573656553421672222555575555255775552555522271247"
    "755572622761247612165571174616346527112225252253160000211244"
)
_DOTS = {sign: _DIGITS[at * _ROWS : (at + 1) * _ROWS] for at, sign in enumerate(_SIGNS)}


def svg(link: str) -> bytes:
    """The card as SVG."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 360 120" font-family="monospace" text-anchor="middle">'
        '<rect width="360" height="120" fill="#fff"/>'
        f'<text x="180" y="50" font-size="20">{_HEADLINE}</text><text x="180" y="85" font-size="12">{link}</text></svg>'
    ).encode()


def png(link: str) -> bytes:
    """The card as PNG: the link in capitals, without its scheme."""
    start, _, code = link.upper().partition("://")[2].rpartition("/")
    rows = _picture((_HEADLINE, f"{start}/", code))
    # Grey of eight bits; each row begins with its filter, none.
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\x00" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _picture(lines: Sequence[str]) -> list[bytes]:
    width = max(map(len, lines)) * 4 + 2 * MARGIN
    blank = "." * width
    dots = [blank] * MARGIN
    for line in lines:
        dots += [("." * MARGIN + row).ljust(width, ".") for row in _rows(line)]
        dots += [blank] * MARGIN
    rows = [b"".join((b"\x00" if dot == "#" else b"\xff") * SCALE for dot in row) for row in dots]
    return [row for row in rows for _ in range(SCALE)]


def _rows(line: str) -> list[str]:
    shapes = [[f"{int(digit):03b}0" for digit in _DOTS[sign]] for sign in line]
    rows = ("".join(shape[row] for shape in shapes) for row in range(_ROWS))
    return [row.replace("0", ".").replace("1", "#") for row in rows]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
