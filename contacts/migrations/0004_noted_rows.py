"""Imported lines whose consent was not recorded are kept with the reason, so that an import can name them."""

import django.db.models.deletion
from django.db import migrations, models

import tenants.fields
from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0003_index_email_addresses"),
        ("tenants", "0002_walls"),
    ]

    operations = [
        migrations.CreateModel(
            name="NotedRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("line", models.IntegerField()),
                ("reason", models.CharField(max_length=30)),
                (
                    "imported",
                    tenants.fields.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="noted_rows",
                        to="contacts.import",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="noted_rows",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("tenant", "imported", "line"), name="noted_line_once")],
            },
        ),
        IsolateTenant("NotedRow"),
    ]
