"""Who processes data for a company under contracts of its own: the company's register (M-51)."""

import uuid

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models

from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("consent", "0034_request_alarms"), ("tenants", "0007_closed")]

    operations = [
        migrations.CreateModel(
            name="Processor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("purpose", models.CharField(max_length=300, verbose_name="what for")),
                ("country", models.CharField(max_length=2, verbose_name="country")),
                ("contract_on", models.DateField(blank=True, null=True, verbose_name="contract of")),
                ("note", models.CharField(blank=True, max_length=500, verbose_name="link or remark")),
                ("ended_on", models.DateField(blank=True, null=True, verbose_name="until")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="processors",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "processor",
                "verbose_name_plural": "processors",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "uid"), name="processor_uid"),
                    models.UniqueConstraint(
                        models.F("tenant"),
                        django.db.models.functions.text.Lower("name"),
                        django.db.models.functions.text.Lower("purpose"),
                        condition=models.Q(("ended_on", None)),
                        name="processor_entered_once",
                        violation_error_message="This company stands in your list already, for the same work.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("country__regex", "^[A-Z]{2}$")), name="processor_country_is_a_code"
                    ),
                ],
            },
        ),
        IsolateTenant("Processor"),
    ]
