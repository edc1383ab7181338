"""Django admin's log knew whom staff had changed or deleted by name, number or address, and nothing ever erased that.

Each row keeps what leads to the object while it is there; what was changed is told by names of fields alone.
"""

from django.db import migrations

FORGET = "UPDATE django_admin_log SET object_repr = left(coalesce(object_id, ''), 200)"


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0010_known_time_zones"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations = [
        migrations.RunSQL(FORGET, migrations.RunSQL.noop),
    ]
