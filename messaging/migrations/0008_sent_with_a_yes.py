"""Nothing is claimed for sending without the ledger's row that allows it; 0 stands for an answer, which needs none."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

# Of what is just being sent only answers have none.
ANSWERS = """
SELECT set_config('app.across', 'on', true);
UPDATE messaging_message m SET consent_seq = 0 FROM messaging_source s
WHERE s.tenant_id = m.tenant_id AND s.id = m.source_id AND s.purpose = 'service'
  AND m.queue = 1 AND m.consent_seq IS NULL;
SELECT set_config('app.across', '', true);
"""
CONDITION = models.Q(("queue", 1), _negated=True) | models.Q(consent_seq__isnull=False)


class Migration(migrations.Migration):
    dependencies = [("messaging", "0007_emptying")]

    operations = [
        # First, for its lock keeps out what an old sender is just claiming.
        AddConstraintNotValid("message", models.CheckConstraint(name="message_sent_with_a_yes", condition=CONDITION)),
        migrations.RunSQL(ANSWERS, migrations.RunSQL.noop),
    ]
