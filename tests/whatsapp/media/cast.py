"""A program that uploads files, a worker, and what has arrived at Meta."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tenants.models import Tenant
from tenants.scope import tenant_scope
from whatsapp import tasks, uploading
from whatsapp.emulator import Running
from whatsapp.models import Media

URL = "/api/v1/media/"
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


def post(key: str, content: bytes, mime_type: str = "image/png", name: str = "bild.png", **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {key}", "Accept-Language": "en", **more.pop("headers", {})}
    return Client(headers=headers).post(URL, {"file": SimpleUploadedFile(name, content, mime_type), **more})


def work(tenant: Tenant) -> None:
    """Let a worker bring everything to Meta that waits for it."""
    for tenant_id, media_id in uploading.due():
        assert tenant_id == tenant.pk
        tasks.upload_media(tenant_id=tenant_id, media_id=media_id)


def only(tenant: Tenant) -> Media:
    """The tenant's one file, as it is stored now."""
    with tenant_scope(tenant):
        return Media.objects.select_related("number__account").get()


def files_at(meta: Running) -> list[bytes]:
    return [file.content for file in meta.emulator.world.files.values()]
