"""QR codes to be printed, as picture for the web, for paper, or as a page."""

import io

import segno

from consent import signups
from consent.models import SignupForm, SignupPlace

KINDS = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}
# Dots of a printed code: 12 at 300 dpi are a millimetre each, so that a poster can be cut from the PNG.
SCALE = {"svg": 8, "png": 12, "pdf": 6}


def code(form: SignupForm, place: SignupPlace, kind: str, *, is_direct: bool = False) -> bytes:
    """The QR code of a place, to the form's page or straight into WhatsApp; `kind` is one of KINDS."""
    file = io.BytesIO()
    address = signups.direct_url(form, place) if is_direct else signups.page_url(form, place)
    segno.make(address, error="q", micro=False).save(file, kind=kind, scale=SCALE[kind], border=4)
    return file.getvalue()
