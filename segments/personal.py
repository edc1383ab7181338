"""What segments say about a person: to which of them they belong now. Nothing is stored, so nothing is forgotten."""

from collections.abc import Iterator

from django.db import connection
from django.utils.translation import gettext as _

from consent import records
from consent.receipts import terms
from consent.records import Activity
from contacts.models import Contact
from contacts.personal import Section
from segments import compiling, queries, rules
from segments.models import Segment
from tenants.models import Tenant

SECONDS = 10.0


def tell(contact: Contact) -> Iterator[Section]:
    """The segments whose rule holds for the person at this moment (CG-37: profiling is explained)."""
    labels = {"name": _("Segment"), "description": _("Description"), "rule": _("Rule")}
    yield Section("segments", _("Segments you belong to now"), labels, _matching(contact))


def activities(tenant: Tenant) -> Iterator[Activity]:
    """Choosing people by what is known of them, for the record of Art. 30 GDPR."""
    if not Segment.objects.filter(tenant=tenant).exists():
        return
    yield Activity(
        title=_("Choosing recipients by segments"),
        legal_basis=_(
            "The consent to advertising, Art. 6 (1) (a) GDPR; for campaigns about orders and contracts the contract,"
            " Art. 6 (1) (b) GDPR; what people read and clicked with the consent to measuring, special categories of"
            " data with the explicit consent to them, Art. 9 (2) (a) GDPR"
        ),
        people=_("Customers and prospects"),
        data=[
            _("attributes, tags and lists"),
            _("orders and other events"),
            _("which messages were received, read and clicked"),
        ],
        recipients=terms.processors(),
        third_country=records.abroad(tenant),
        retention=_("Not stored: who belongs to a segment is worked out each time."),
    )


def _matching(contact: Contact) -> Iterator[dict[str, object]]:
    for segment in Segment.objects.filter(tenant=contact.tenant_id).order_by("name"):
        if _holds(segment, contact):
            yield {"name": segment.name, "description": segment.description, "rule": segment.rule}


def _holds(segment: Segment, contact: Contact) -> bool:
    """Whether the rule holds for the contact; one that nobody can use any more holds for nobody."""
    try:
        holds = compiling.condition(segment.rule, tenant_id=contact.tenant_id)
        with queries.at_most(SECONDS), connection.cursor() as cursor:
            cursor.execute(
                f"SELECT EXISTS (SELECT FROM contacts_contact c WHERE c.tenant_id = %s AND c.id = %s AND {holds.sql})",
                [contact.tenant_id, contact.pk, *holds.params],
            )
            found: bool = cursor.fetchone()[0]
    except (rules.InvalidRule, queries.TookTooLong):
        return False
    return found
