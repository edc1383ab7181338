"""Whether a brand's colour can be read: its contrast by WCAG 2.2, and the nearest tone that has enough of it."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

WHITE, BLACK = "#ffffff", "#000000"
# What a button or a frame needs against the white of the page (WCAG 1.4.11).
LEAST = 3.0
_HEX = re.compile(r"#[0-9a-f]{6}")
_SHORT = re.compile(r"#[0-9a-f]{3}")


def is_color(text: str) -> bool:
    """Whether this is a colour as we store it: "#0b5d46"."""
    return bool(_HEX.fullmatch(text))


def normalised(color: str) -> str:
    """A colour as people write it ("#ABC", "0B5D46") as we store it; what is no colour stays none."""
    color = "#" + color.strip().lower().lstrip("#")
    return "#" + "".join(digit * 2 for digit in color[1:]) if _SHORT.fullmatch(color) else color


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white), of two colours written as "#rrggbb"."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(color: str) -> str:
    """White or black, whichever reads better on this colour: one of the two always has 4.5:1."""
    return max((WHITE, BLACK), key=lambda ink: contrast(ink, color))


def darkened(color: str) -> str:
    """The lightest darker tone of this colour that stands out from a white page."""
    for tenths in range(1000, 0, -5):
        tone = "#" + "".join(f"{round(part * tenths / 1000):02x}" for part in _parts(color))
        if contrast(tone, WHITE) >= LEAST:
            return tone
    return BLACK


def readable(color: str) -> None:
    """Validates a brand colour; the error says how to write it, or which tone stands out enough."""
    if not is_color(color):
        raise ValidationError(_("Write the colour as # with six digits or letters a to f, for example #0b5d46."))
    if (found := contrast(color, WHITE)) < LEAST:
        told = _(
            "Too light: buttons in this colour would hardly stand out from a white page (contrast %(found)s:1, needed"
            " %(least)s:1). The nearest tone that does is %(tone)s."
        )
        # Rounded down, so that nobody reads 3.0 and wonders.
        shown = {"found": f"{int(found * 10) / 10:.1f}", "least": f"{LEAST:.0f}", "tone": darkened(color)}
        raise ValidationError(told % shown)


def _luminance(color: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def _parts(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
