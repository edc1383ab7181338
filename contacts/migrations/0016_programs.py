"""Which program brought a person, and whether its people know whence their data come (Art. 14 GDPR)."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import tenants.fields
from tenants.isolation import IsolateTenant, TieKey


class Migration(migrations.Migration):
    dependencies = [("contacts", "0015_search_by_index"), ("tenants", "0010_known_time_zones")]

    operations = [
        migrations.CreateModel(
            name="Program",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("notice_at", models.DateTimeField(blank=True, null=True)),
                ("informed_at", models.DateTimeField(blank=True, null=True)),
                ("known_upto", models.BigIntegerField(db_default=0, default=0)),
                ("looked_at", models.DateTimeField(blank=True, null=True)),
                ("untold", models.IntegerField(db_default=0, default=0)),
                ("untold_since", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        default=django.utils.timezone.now,
                        editable=False,
                    ),
                ),
                (
                    "api_key",
                    tenants.fields.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="programs",
                        to="tenants.apikey",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="programs",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "uid"), name="program_uid"),
                    models.UniqueConstraint(fields=("tenant", "api_key"), name="one_program_per_key"),
                ],
            },
        ),
        IsolateTenant("Program"),
        migrations.AddField(
            "contact",
            "program",
            tenants.fields.TenantForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="people",
                to="contacts.program",
            ),
        ),
        TieKey("contact", "program"),
    ]
