"""How tests use the import screens: send the form, let a worker check, read the page."""

import uuid
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from consent import importing
from contacts.models import Contact, Import
from tenants.actions import NewTenant
from tenants.models import Membership, Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope

URL = "/bakery/imports/"
HTMX = {"HTTP_HX_REQUEST": "true"}
PEOPLE = "Handy;Vorname;Filiale\n0151 23456780;Anna;Mitte\n12;Bert;Nord\n0151 23456781;Carla;Mitte\n"


def as_role(made: NewTenant, role: Role) -> None:
    with tenant_scope(made.tenant):
        Membership.objects.filter(user=made.owner).update(role=role)


def uploaded(client: Client, content: bytes | str, name: str = "kunden.csv", **fields: Any) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    fields = {"uid": str(uuid.uuid4()), "country": "DE", "file": SimpleUploadedFile(name, raw), **fields}
    return client.post(f"{URL}new/", fields)


def checked(client: Client, content: bytes | str, **fields: Any) -> Import:
    """The import of this content after a worker has checked it, as the form starts it."""
    response = uploaded(client, content, **fields)
    assert response.status_code == 302, response.content.decode()
    return worked(only())


def worked(imported: Import) -> Import:
    importing.run(imported.tenant_id, imported.pk)
    return stored(imported)


def only() -> Import:
    with tenant_scope(Tenant.objects.get(slug="bakery")):
        return Import.objects.get()


def stored(imported: Import) -> Import:
    with tenant_scope(imported.tenant_id):
        return Import.objects.get(pk=imported.pk)


def contacts_of(tenant: Tenant) -> list[Contact]:
    with tenant_scope(tenant):
        return list(tenant.contacts.order_by("phone"))


def at(imported: Import, path: str = "") -> str:
    return f"{URL}{imported.uid}/{path}"


def shown(client: Client, address: str, **headers: str) -> str:
    """The page as text, blanks folded."""
    response = client.get(address, **headers)
    assert response.status_code in {200, 286}
    return " ".join(response.content.decode().split())


def sought(client: Client, address: str, text: str, **headers: str) -> str:
    """The page of what somebody types into its search, as text, blanks folded."""
    response = client.post(address, {"q": text}, follow=True, **headers)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def columns(*targets: str, **fields: str) -> dict[str, str]:
    """What the columns form sends."""
    layout = {"country": "DE", "encoding": "utf-8", "delimiter": ";"}
    return layout | {f"target_{at}": target for at, target in enumerate(targets)} | fields
