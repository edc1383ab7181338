"""Lists: groups of contacts that a marketer keeps by hand or fills by import."""

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import ProtectedError, QuerySet
from django.utils.translation import gettext as _

from contacts.models import Contact, ContactList
from tenants.actions import Actor, audit
from tenants.models import Tenant


class ListInUse(Exception):
    """A campaign addresses the list, so it cannot be deleted."""


@transaction.atomic
def create_list(
    *,
    tenant: Tenant,
    name: str,
    description: str = "",
    is_topic: bool = False,
    title_de: str = "",
    title_en: str = "",
    by: Actor,
) -> ContactList:
    """A new, empty list, as a topic if people may join it themselves.

    Raises ValidationError when the tenant has one of this name, whatever its case, and for a topic without a title.
    """
    contact_list = ContactList(tenant=tenant, name=_free_name(tenant, name), description=description)
    _present(contact_list, is_topic, title_de, title_en)
    contact_list.save()
    audit(tenant=tenant, by=by, verb="list.created", subject=contact_list)
    return contact_list


@transaction.atomic
def update_list(
    *,
    contact_list: ContactList,
    name: str | None = None,
    description: str | None = None,
    is_topic: bool | None = None,
    title_de: str | None = None,
    title_en: str | None = None,
    by: Actor,
) -> ContactList:
    """Rename or describe a list, or make it a topic or none; None leaves a field as it is.

    Who is on it stays on it. Raises ValidationError as `create_list` does.
    """
    if name is not None:
        name = _free_name(contact_list.tenant, name, besides=contact_list.pk)
    # What is stored now, whoever has changed it since it was read.
    contact_list = ContactList.objects.select_for_update().get(tenant=contact_list.tenant_id, pk=contact_list.pk)
    if name is not None:
        contact_list.former_names = list(dict.fromkeys([*contact_list.former_names, contact_list.name]))
        contact_list.name = name
    if description is not None:
        contact_list.description = description
    _present(contact_list, is_topic, title_de, title_en)
    contact_list.save(update_fields=["name", "former_names", "description", "is_topic", "title_de", "title_en"])
    audit(tenant=contact_list.tenant, by=by, verb="list.updated", subject=contact_list)
    return contact_list


@transaction.atomic
def delete_list(*, contact_list: ContactList, by: Actor) -> None:
    """Delete a list, not its contacts; raises ListInUse while a campaign addresses it."""
    audit(tenant=contact_list.tenant, by=by, verb="list.deleted", subject=contact_list)
    try:
        contact_list.delete()
    except ProtectedError as error:
        raise ListInUse(_("A campaign uses this list. Take it out of the campaign first.")) from error


@transaction.atomic
def add_members(*, contact_list: ContactList, contacts: QuerySet[Contact], by: Actor) -> int:
    """Add a set of contacts to a list in one statement; returns how many were not on it before.

    People whose processing is restricted stay as they are (Art. 18 GDPR), here and in `remove_members`.
    """
    people, params = contacts.filter(restricted_at=None).order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_listmember (tenant_id, list_id, contact_id)"
            f" SELECT %s, %s, people.id FROM ({people}) AS people(id) ORDER BY people.id"
            " ON CONFLICT (tenant_id, list_id, contact_id) DO NOTHING",
            [contact_list.tenant_id, contact_list.pk, *params],
        )
        count = cursor.rowcount
    audit(
        tenant=contact_list.tenant,
        by=by,
        verb="list.members_added",
        subject=contact_list,
        changes={"contacts": count},
    )
    return count


@transaction.atomic
def remove_members(*, contact_list: ContactList, contacts: QuerySet[Contact], by: Actor) -> int:
    """Take a set of contacts off a list; returns how many were on it."""
    count, _by_model = contact_list.members.filter(contact__in=contacts.filter(restricted_at=None).order_by()).delete()
    audit(
        tenant=contact_list.tenant,
        by=by,
        verb="list.members_removed",
        subject=contact_list,
        changes={"contacts": count},
    )
    return count


def _present(contact_list: ContactList, is_topic: bool | None, title_de: str | None, title_en: str | None) -> None:
    for name, value in (("title_de", title_de), ("title_en", title_en)):
        if value is not None:
            before, title = getattr(contact_list, name), " ".join(value.split())
            if before and title != before:
                # People have joined it under that title, and their events tell so.
                contact_list.former_names = list(dict.fromkeys([*contact_list.former_names, before]))
            setattr(contact_list, name, title)
    contact_list.is_topic = contact_list.is_topic if is_topic is None else is_topic
    if contact_list.is_topic and not contact_list.title_de:
        raise ValidationError({"title_de": _("Give the topic a title in German; people read it instead of the name.")})


def _free_name(tenant: Tenant, name: str, besides: int = 0) -> str:
    name = name.strip()
    if not name:
        raise ValidationError({"name": _("Give the list a name.")})
    if tenant.lists.filter(name__iexact=name).exclude(pk=besides).exists():
        raise ValidationError({"name": _("There is a list of this name already. Choose another one.")})
    return name
