"""Which files Meta takes for sending and as samples of templates: kinds by MIME type, sizes, first bytes.

Source: fact sheet section 5 (media, image, video, audio, document, sticker) and 4.3 (samples).
"""

from typing import NamedTuple

from whatsapp.payloads.messages import MediaKind

KB, MB = 1024, 1024 * 1024
# As many bytes as `looks_like` and `rule_for` want to see.
HEAD = 32
SAMPLES = frozenset(("application/pdf", "image/jpeg", "image/png", "video/mp4"))
_OLD_OFFICE, _ZIP = ((0, b"\xd0\xcf\x11\xe0"),), ((0, b"PK\x03\x04"),)
_BOXES = ((4, b"ftyp"),)
_OFFICE = "application/vnd.openxmlformats-officedocument."


class FileRule(NamedTuple):
    """How Meta sends a file, and how many bytes it takes."""

    kind: MediaKind
    most: int


_RULES: dict[str, FileRule] = {
    **dict.fromkeys(("image/jpeg", "image/png"), FileRule("image", 5 * MB)),
    **dict.fromkeys(("video/mp4", "video/3gpp"), FileRule("video", 16 * MB)),
    **dict.fromkeys(("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"), FileRule("audio", 16 * MB)),
    **dict.fromkeys(
        (
            *("text/plain", "application/pdf", "application/msword", "application/vnd.ms-excel"),
            *("application/vnd.ms-powerpoint", f"{_OFFICE}wordprocessingml.document"),
            *(f"{_OFFICE}spreadsheetml.sheet", f"{_OFFICE}presentationml.presentation"),
        ),
        FileRule("document", 100 * MB),
    ),
    "image/webp": FileRule("sticker", 100 * KB),
}
_ANIMATED = FileRule("sticker", 500 * KB)
# Any one of the pairs of place and bytes makes a file genuine; a type that is not here cannot be told.
_BEGINNINGS: dict[str, tuple[tuple[int, bytes], ...]] = {
    "image/jpeg": ((0, b"\xff\xd8\xff"),),
    "image/png": ((0, b"\x89PNG\r\n\x1a\n"),),
    "image/webp": ((8, b"WEBP"),),
    "video/mp4": _BOXES,
    "video/3gpp": _BOXES,
    "audio/mp4": _BOXES,
    "audio/ogg": ((0, b"OggS"),),
    "audio/amr": ((0, b"#!AMR"),),
    "application/pdf": ((0, b"%PDF"),),
    "application/msword": _OLD_OFFICE,
    "application/vnd.ms-excel": _OLD_OFFICE,
    "application/vnd.ms-powerpoint": _OLD_OFFICE,
    f"{_OFFICE}wordprocessingml.document": _ZIP,
    f"{_OFFICE}spreadsheetml.sheet": _ZIP,
    f"{_OFFICE}presentationml.presentation": _ZIP,
}


def plain_type(mime_type: str) -> str:
    """A MIME type in lower case without parameters, as `audio/ogg` of `audio/ogg; codecs=opus`."""
    return mime_type.partition(";")[0].strip().lower()


def rule_for(mime_type: str, head: bytes = b"") -> FileRule | None:
    """The rule for a file of this type, None if Meta takes none; `head` tells an animated sticker."""
    kind = plain_type(mime_type)
    # The flag for animation in the header of an extended WebP file.
    if kind == "image/webp" and head[12:16] == b"VP8X" and len(head) > 20 and head[20] & 2:
        return _ANIMATED
    return _RULES.get(kind)


def looks_like(mime_type: str, head: bytes) -> bool:
    """Whether a file begins as its type does."""
    beginnings = _BEGINNINGS.get(plain_type(mime_type))
    return not beginnings or any(head[at : at + len(sign)] == sign for at, sign in beginnings)
