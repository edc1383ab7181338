"""Tags: short words on contacts, set by people, imports and programs."""

from collections.abc import Iterable, Sequence

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from contacts.models import Contact, Tag
from tenants.actions import Actor, audit
from tenants.models import Tenant


@transaction.atomic
def create_tag(*, tenant: Tenant, name: str, by: Actor) -> Tag:
    """A new tag; raises ValidationError when the tenant has one of this name, whatever its case."""
    tag = Tag(tenant=tenant, name=_free_name(tenant, name))
    tag.save()
    audit(tenant=tenant, by=by, verb="tag.created", subject=tag)
    return tag


@transaction.atomic
def rename_tag(*, tag: Tag, name: str, by: Actor) -> Tag:
    """Give a tag another name; contacts and segments keep it, because they know it by uid."""
    name = _free_name(tag.tenant, name, besides=tag.pk)
    # What is stored now, whoever has renamed it since it was read.
    tag = Tag.objects.select_for_update().get(tenant=tag.tenant_id, pk=tag.pk)
    tag.former_names = list(dict.fromkeys([*tag.former_names, tag.name]))
    tag.name = name
    tag.save(update_fields=["name", "former_names"])
    audit(tenant=tag.tenant, by=by, verb="tag.renamed", subject=tag)
    return tag


@transaction.atomic
def delete_tag(*, tag: Tag, by: Actor) -> None:
    """Delete a tag and take it off every contact."""
    audit(tenant=tag.tenant, by=by, verb="tag.deleted", subject=tag)
    tag.delete()


@transaction.atomic
def add_tags(*, tenant: Tenant, contacts: QuerySet[Contact], names: Sequence[str], by: Actor) -> int:
    """Put tags on a set of contacts, creating unknown ones; returns how many contacts got at least one new tag.

    People whose processing is restricted stay as they are (Art. 18 GDPR), here and in `remove_tags`.
    """
    ids = list(_ensured(tenant, names).values())
    people, params = contacts.filter(restricted_at=None).order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH added AS (INSERT INTO contacts_contacttag (tenant_id, contact_id, tag_id)"
            f" SELECT %s, people.id, tag.id FROM ({people}) AS people(id) CROSS JOIN unnest(%s::bigint[]) AS tag(id)"
            " ORDER BY people.id, tag.id ON CONFLICT (tenant_id, tag_id, contact_id) DO NOTHING RETURNING contact_id)"
            " SELECT count(DISTINCT contact_id) FROM added",
            [tenant.pk, *params, ids],
        )
        count: int = cursor.fetchone()[0]
    audit(tenant=tenant, by=by, verb="contacts.tagged", subject=tenant, changes={"tags": ids, "contacts": count})
    return count


@transaction.atomic
def remove_tags(*, tag: Tag, contacts: QuerySet[Contact], by: Actor) -> int:
    """Take a tag off a set of contacts; returns from how many."""
    count, _by_model = tag.contact_tags.filter(contact__in=contacts.filter(restricted_at=None).order_by()).delete()
    audit(tenant=tag.tenant, by=by, verb="contacts.untagged", subject=tag, changes={"contacts": count})
    return count


def attach(tenant: Tenant, pairs: Sequence[tuple[int, str]]) -> set[int]:
    """Put tags on contacts by (contact id, tag name); returns the ids of contacts that got a new one."""
    if not pairs:
        return set()
    ids = _ensured(tenant, {name for _contact, name in pairs})
    wanted = sorted({(contact, ids[name.strip().lower()]) for contact, name in pairs})
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_contacttag (tenant_id, contact_id, tag_id)"
            " SELECT %s, contact_id, tag_id FROM unnest(%s::bigint[], %s::bigint[]) AS wanted(contact_id, tag_id)"
            " ON CONFLICT (tenant_id, tag_id, contact_id) DO NOTHING RETURNING contact_id",
            [tenant.pk, [contact for contact, _tag in wanted], [tag for _contact, tag in wanted]],
        )
        return {row[0] for row in cursor.fetchall()}


def keep(contact: Contact, names: Sequence[str]) -> int:
    """Take all tags but these off a contact; returns how many it lost."""
    kept = _ensured(contact.tenant, names).values()
    lost, _by_model = contact.contact_tags.exclude(tag__in=kept).delete()
    return lost


def _ensured(tenant: Tenant, names: Iterable[str]) -> dict[str, int]:
    """The ids of tags by lower-case name; unknown tags are created, whoever else creates them at the same time."""
    spellings = {name.strip().lower(): name.strip() for name in sorted(names)}
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_tag (tenant_id, uid, name)"
            " SELECT %s, gen_random_uuid(), name FROM unnest(%s::text[]) AS given(name) ORDER BY lower(name)"
            " ON CONFLICT (tenant_id, lower(name)) DO NOTHING",
            [tenant.pk, list(spellings.values())],
        )
        cursor.execute(
            "SELECT given.key, t.id FROM unnest(%s::text[], %s::text[]) AS given(key, name)"
            " JOIN contacts_tag t ON t.tenant_id = %s AND lower(t.name) = lower(given.name)",
            [list(spellings), list(spellings.values()), tenant.pk],
        )
        return dict(cursor.fetchall())


def _free_name(tenant: Tenant, name: str, besides: int = 0) -> str:
    name = name.strip()
    if not name:
        raise ValidationError({"name": _("Give the tag a name.")})
    if tenant.tags.filter(name__iexact=name).exclude(pk=besides).exists():
        raise ValidationError({"name": _("There is a tag of this name already. Choose another one.")})
    return name
