"""Whoever has lost their number to its next owner may be known by nothing else any more.

The new check asks for less than the old one, so there is no row to mend; it is looked through while people are written.
On the way back the old one holds for what is written from then on: those who have nothing else are still there.
"""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

DROP = "ALTER TABLE contacts_contact DROP CONSTRAINT contact_has_an_identity"
ADD_AGAIN = """
    ALTER TABLE contacts_contact ADD CONSTRAINT contact_has_an_identity CHECK
        (phone IS NOT NULL OR bsuid IS NOT NULL OR email IS NOT NULL OR external_id IS NOT NULL) NOT VALID
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0019_programs_of_the_trail")]

    operations = [
        AddConstraintNotValid(
            "contact",
            models.CheckConstraint(
                condition=models.Q(("phone__isnull", False))
                | models.Q(("bsuid__isnull", False))
                | models.Q(("email__isnull", False))
                | models.Q(("external_id__isnull", False))
                | models.Q(("phone_invalid_at__isnull", False)),
                name="contact_has_or_had_an_identity",
            ),
        ),
        ValidateConstraint("contact", "contact_has_or_had_an_identity"),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveConstraint("contact", "contact_has_an_identity")],
            database_operations=[migrations.RunSQL(DROP, reverse_sql=ADD_AGAIN)],
        ),
    ]
