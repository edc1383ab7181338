"""Whether the person of a message agrees to being measured: only then their reads and clicks are shown (CG-36)."""

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from consent import rules

# OFFSET 0 has PostgreSQL look it up row by row: for a page of a list that is two look-ups a row, while collecting all
# who agree takes seconds where a million do.
IS_MEASURED = f"""
EXISTS (SELECT FROM contacts_contact c
        WHERE c.tenant_id = messaging_message.tenant_id AND c.id = messaging_message.contact_id
          AND {rules.MAY_MEASURE} OFFSET 0)
"""


def is_measured() -> RawSQL:
    """A condition on messages, for a query on their table alone."""
    return RawSQL(IS_MEASURED, [], output_field=BooleanField())  # noqa: S611 - a constant
