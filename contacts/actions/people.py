"""Creating and changing contacts: many at once, or one by hand; consent.actions.people deletes one."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from contacts import identities
from contacts.actions import tags
from contacts.actions.batches import Batch, Recorder, Upserted
from contacts.actions.values import ContactData, cleaned
from contacts.models import Contact
from tenants.actions import Actor, audit
from tenants.models import Tenant

MAX_ROWS = 10_000
# A row's contact can be created by somebody else between our look and our insert; then we look again.
ATTEMPTS = 3


@transaction.atomic
def upsert(*, tenant: Tenant, rows: Sequence[ContactData], by: Actor, moved: Recorder | None = None) -> list[Upserted]:
    """Create or change the contacts that the rows name by phone, external_id or bsuid; one answer per row, in order.

    At most MAX_ROWS rows, else ValidationError. Rows that change nothing write nothing. A row with invalid values, or
    whose keys name two different contacts, is rejected; the others are stored. Several rows may name the same
    contact: they take effect one after another. `moved` is called with those who get another number than they were
    reached by, so that their consent ends in the same transaction; without it such rows are rejected.
    """
    if len(rows) > MAX_ROWS:
        raise ValidationError(_("Send at most %(limit)s rows at once.") % {"limit": MAX_ROWS})
    for _attempt in range(ATTEMPTS - 1):
        try:
            with transaction.atomic():
                return _upsert_once(tenant, rows, by, moved)
        except IntegrityError:
            continue
    return _upsert_once(tenant, rows, by, moved)


@transaction.atomic
def create_for_address(*, tenant: Tenant, email: str, language: str) -> Contact:
    """A new contact that is known by an e-mail address alone, which others may have too; raises ValidationError."""
    data, errors = cleaned(tenant, ContactData({"email": email, "language": language}))
    if errors:
        raise ValidationError(errors)
    contact = Contact(tenant=tenant, **data.values)
    contact.save()
    identities.record(tenant, [contact])
    return contact


@transaction.atomic
def patch(
    *,
    contact: Contact,
    data: ContactData,
    by: Actor,
    replaces_tags: bool = False,
    moved: Recorder | None = None,
    is_wish: bool = False,
) -> Contact:
    """Change one contact and return it as stored; with `replaces_tags` the given tags are all it has afterwards.

    Raises ValidationError by field: invalid values, a phone or number that another contact has, no identity left,
    another number while `moved` is missing, which `upsert` explains, or a restricted contact without `is_wish`: the
    person asked for the change.
    """
    data, errors = cleaned(contact.tenant, data)
    batch = Batch(contact.tenant, [data], moved, is_wish=is_wish)
    current = contact.tenant.contacts.select_for_update().get(pk=contact.pk)
    for key, other in batch.directory.named(data.values):
        if other.pk != contact.pk:
            errors[key] = [_("Another contact has this already. Change or delete that one first.")]
    answer = None if errors else batch.change(current, data)
    if answer is None or answer.errors:
        raise ValidationError(answer.errors if answer else errors)
    batch.store()
    if replaces_tags and tags.keep(current, data.tags):
        answer.outcome = "updated"
    _audit_single(answer, data, by)
    return current


def _upsert_once(tenant: Tenant, rows: Sequence[ContactData], by: Actor, moved: Recorder | None) -> list[Upserted]:
    checked = [cleaned(tenant, row) for row in rows]
    batch = Batch(tenant, [data for data, _errors in checked], moved)
    answers = [Upserted(None, "rejected", errors) if errors else batch.put(data) for data, errors in checked]
    batch.store(by)
    if len(rows) == 1:
        _audit_single(answers[0], checked[0][0], by)
    return answers


def _audit_single(answer: Upserted, data: ContactData, by: Actor) -> None:
    """The audit trail names the fields that were changed, never their values."""
    if answer.contact is None or answer.outcome == "unchanged":
        return
    changes = {"fields": sorted(data.values), "attributes": sorted(data.attributes), "tags": len(data.tags)}
    audit(
        tenant=answer.contact.tenant,
        by=by,
        verb=f"contact.{answer.outcome}",
        subject=answer.contact,
        changes={name: value for name, value in changes.items() if value},
    )
