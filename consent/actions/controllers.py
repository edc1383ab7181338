"""What can be done with the company as the law names it: look it up, change it, give it a logo."""

import hashlib
from io import BytesIO
from typing import IO, Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image

from consent.ledger import depositing
from consent.models import Controller, Logo
from consent.queries import controller_of
from tenants.actions import Actor, audit
from tenants.models import Tenant

__all__ = ["controller_of", "remove_logo", "set_logo", "update"]

LOGO_FORMATS = ("PNG", "JPEG", "WEBP")
LOGO_BYTES = 5 * 1024 * 1024
# Twice what is shown, for fine screens.
LOGO_SIZE = (480, 160)
# More would take hundreds of megabytes to unpack.
LOGO_PIXELS = 25_000_000


class Edited(NamedTuple):
    """Names as somebody saw them and as they left them; what others have added or taken out meanwhile stays so."""

    before: list[str]
    after: list[str]

    def merged(self, stored: list[str]) -> list[str]:
        """The stored names with what was added and without what was taken out, each once."""
        kept = [name for name in stored if name in self.after or name not in self.before]
        return list(dict.fromkeys([*kept, *(name for name in self.after if name not in self.before)]))


@transaction.atomic
def update(*, tenant: Tenant, by: Actor, **values: Any) -> Controller:
    """Change these fields of the company; raises ValidationError by field for what is not lawful or cannot be read.

    Names may be `Edited`. The audit row names the fields and not what is in them, because some are about people.
    """
    Controller.objects.get_or_create(tenant=tenant)
    controller = Controller.objects.select_for_update(of=("self",)).get(tenant=tenant)
    values = {
        name: value.merged(getattr(controller, name)) if isinstance(value, Edited) else value
        for name, value in values.items()
    }
    changed = sorted(name for name, value in values.items() if getattr(controller, name) != value)
    for name in changed:
        setattr(controller, name, values[name])
    controller.full_clean()
    if changed:
        controller.save()
        if "anchor_email" in changed:
            depositing.address_changed(tenant)
        audit(tenant=tenant, by=by, verb="company.changed", subject=controller, changes={"fields": changed})
    return controller


@transaction.atomic
def set_logo(*, tenant: Tenant, file: IO[bytes], by: Actor) -> Logo:
    """Store a logo, made small and drawn anew, so that nothing but its picture is left of the file.

    Raises ValidationError for what is no PNG, JPEG or WebP, or is too large.
    """
    png, (width, height) = _drawn(file.read(LOGO_BYTES + 1))
    values = {"png": png, "sha256": hashlib.sha256(png).hexdigest(), "width": width, "height": height}
    logo, _is_new = Logo.objects.update_or_create(tenant=tenant, defaults=values)
    audit(tenant=tenant, by=by, verb="logo.changed", subject=logo)
    return logo


@transaction.atomic
def remove_logo(*, tenant: Tenant, by: Actor) -> None:
    """Take the logo away; without one nothing happens."""
    logo = Logo.objects.filter(tenant=tenant).first()
    if logo:
        audit(tenant=tenant, by=by, verb="logo.removed", subject=logo)
        logo.delete()


def _drawn(content: bytes) -> tuple[bytes, tuple[int, int]]:
    told = _("Choose a picture of at most 5 MB as PNG, JPEG or WebP.")
    if len(content) > LOGO_BYTES:
        raise ValidationError({"logo": told})
    try:
        with Image.open(BytesIO(content), formats=LOGO_FORMATS) as picture:
            if picture.width * picture.height > LOGO_PIXELS:
                raise ValidationError({"logo": told})
            drawn = picture.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValidationError({"logo": told}) from error
    drawn.thumbnail(LOGO_SIZE)
    out = BytesIO()
    drawn.save(out, "PNG", optimize=True)
    return out.getvalue(), drawn.size
