"""Reads QR codes of version 5 back from their pixels, as a phone would; no library that decodes is needed.

Only what is printed without damage is read: the code's error correction is skipped. ISO/IEC 18004.
"""

import io
from collections.abc import Iterator

from PIL import Image

SIZE = 37
# By the two bits of the error correction level: how many codewords of data each block has.
BLOCKS = {(0, 0): [43, 43], (1, 1): [15, 15, 16, 16], (1, 0): [11, 11, 12, 12]}
MASKS = (
    lambda y, x: (y + x) % 2,
    lambda y, _x: y % 2,
    lambda _y, x: x % 3,
    lambda y, x: (y + x) % 3,
    lambda y, x: (y // 2 + x // 3) % 2,
    lambda y, x: y * x % 2 + y * x % 3,
    lambda y, x: (y * x % 2 + y * x % 3) % 2,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2,
)
Dots = list[list[int]]


def text_in(picture: bytes, *, quiet: int) -> str:
    """What a picture says that consists of nothing but the code and `quiet` dots around it."""
    dots = _dots(picture, quiet)
    level = (dots[8][0] ^ 1, dots[8][1])
    mask = (dots[8][2] ^ 1) * 4 + dots[8][3] * 2 + (dots[8][4] ^ 1)
    bits = "".join(str(dots[y][x] ^ (not MASKS[mask](y, x))) for y, x in _way())
    codewords = [int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8)]
    data = "".join(f"{codeword:08b}" for codeword in _in_order(codewords, BLOCKS[level]))
    assert data[:4] == "0100", "bytes are expected"
    length = int(data[4:12], 2)
    return bytes(int(data[at : at + 8], 2) for at in range(12, 12 + 8 * length, 8)).decode()


def _dots(picture: bytes, quiet: int) -> Dots:
    with Image.open(io.BytesIO(picture)) as image:
        grey = image.convert("L")
    step = grey.width / (SIZE + 2 * quiet)
    middle = [int((at + quiet + 0.5) * step) for at in range(SIZE)]
    return [[int(grey.getpixel((x, y)) < 128) for x in middle] for y in middle]  # type: ignore[operator]


def _way() -> Iterator[tuple[int, int]]:
    """The dots that hold data, in their order: two columns at a time, up and down, from the right."""
    for number, right in enumerate([*range(SIZE - 1, 6, -2), 5, 3, 1]):
        for y in range(SIZE) if number % 2 else reversed(range(SIZE)):
            yield from ((y, x) for x in (right, right - 1) if not _is_pattern(y, x))


def _is_pattern(y: int, x: int) -> bool:
    corners = (y < 9 and x < 9) or (y < 9 and x >= SIZE - 8) or (y >= SIZE - 8 and x < 9)
    return corners or 6 in (y, x) or (28 <= y <= 32 and 28 <= x <= 32)


def _in_order(codewords: list[int], lengths: list[int]) -> Iterator[int]:
    """The data of one block after the other; they are printed codeword by codeword in turn."""
    blocks: list[list[int]] = [[] for _length in lengths]
    printed = iter(codewords)
    for at in range(max(lengths)):
        for block, length in zip(blocks, lengths, strict=True):
            if at < length:
                block.append(next(printed))
    for block in blocks:
        yield from block
