"""Statistics of messages are renewed after 20,000 changes, however large the table is.

By a share of it, a company's first messages in a table of ten million stayed unknown to the planner until 200,000 rows
had changed; it took them for one row, and looked through all of them for each message it wanted by id. Below 20,000
that costs milliseconds, and freezing a campaign renews them anyway.
"""

from django.db import migrations

OFTEN = "ALTER TABLE messaging_message SET (autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000)"
BEFORE = (
    "ALTER TABLE messaging_message SET (autovacuum_analyze_scale_factor = 0.02);"
    " ALTER TABLE messaging_message RESET (autovacuum_analyze_threshold)"
)


class Migration(migrations.Migration):
    dependencies = [("messaging", "0010_chosen_by")]

    operations = [migrations.RunSQL(OFTEN, BEFORE)]
