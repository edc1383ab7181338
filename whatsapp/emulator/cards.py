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
_DOTS = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./",
        (
            "25755 65656 34443 65556 74647 74644 34553 55755 72227 11152 55655 44447 57755 65555 25552 65644 25573 65655 "
            "34216 72222 55557 55552 55775 55255 55222 71247 75557 26227 61247 61216 55711 74616 34652 71122 25252 25316 "
            "00002 11244"
        ).split(),
        strict=True,
    )
)


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
    shapes = [[f"{int(digit):03b}" for digit in _DOTS[sign]] for sign in line]
    return [
        "".join(f"{shape[row]}0" for shape in shapes).replace("0", ".").replace("1", "#")
        for row in range(len(_DOTS["A"]))
    ]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
