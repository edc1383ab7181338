"""Nothing is claimed for sending without the ledger's row that allows it; 0 stands for an answer, which needs none."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

# Only answers have none, and only those that are just being sent are looked at.
ANSWERS = """
SELECT set_config('app.across', 'on', true);
UPDATE messaging_message SET consent_seq = 0 WHERE queue = 1 AND consent_seq IS NULL;
SELECT set_config('app.across', '', true);
"""
CONDITION = models.Q(("queue", 1), _negated=True) | models.Q(consent_seq__isnull=False)


class Migration(migrations.Migration):
    dependencies = [("messaging", "0007_emptying")]

    operations = [
        migrations.RunSQL(ANSWERS, migrations.RunSQL.noop),
        AddConstraintNotValid("message", models.CheckConstraint(name="message_sent_with_a_yes", condition=CONDITION)),
    ]
