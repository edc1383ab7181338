"""Samples of templates: where a header wants Meta's handle of a file, the uid of an uploaded file may stand."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from whatsapp.client import Client
from whatsapp.models import Media, Template

UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Stands for the token's own app in Meta's paths.
APP = "app"
GONE = _("The file is no longer here. Upload it again.")

Json = dict[str, Any]


def uids_in(components: list[Json]) -> set[str]:
    """The uids that stand for handles in these components, cards included."""
    return {handle.lower() for header in _headers(components) for handle in _handles(header) if UID.fullmatch(handle)}


def of(template: Template) -> dict[str, Media]:
    """A template's samples that are files of ours, by uid."""
    found = Media.objects.filter(tenant=template.tenant_id, uid__in=uids_in(template.components))
    return {str(media.uid): media for media in found}


def reason_gone() -> str:
    """What is stored where a file of ours is missing, therefore in the product's own language."""
    with override(settings.LANGUAGE_CODE):
        return str(GONE)


def with_handles(client: Client, components: list[Json], samples: Mapping[str, Media]) -> list[Json]:
    """The components with a new handle for each sample of ours: Meta's handles are not for keeping.

    Raises FileNotFoundError if one of our files is no longer here.
    """
    handles = {uid: _handle(client, media) for uid, media in samples.items()}
    return _replaced(components, handles) if handles else components


def _handle(client: Client, media: Media) -> str:
    with media.file.open("rb") as content:
        return client.upload_sample(APP, content.read(), media.mime_type, media.filename)


def _headers(components: list[Json]) -> Iterator[Json]:
    for component in components:
        yield component
        for card in component.get("cards") or []:
            yield from _headers(card.get("components") or [])


def _handles(component: Json) -> list[str]:
    example = component.get("example")
    handles = example.get("header_handle") if isinstance(example, dict) else None
    return [str(handle) for handle in handles] if isinstance(handles, list) else []


def _replaced(components: list[Json], handles: Mapping[str, str]) -> list[Json]:
    made = []
    for component in components:
        copy = dict(component)
        if given := _handles(copy):
            copy["example"] = {**copy["example"], "header_handle": [handles.get(h.lower(), h) for h in given]}
        if copy.get("cards"):
            copy["cards"] = [
                {**card, "components": _replaced(card.get("components") or [], handles)} for card in copy["cards"]
            ]
        made.append(copy)
    return made
