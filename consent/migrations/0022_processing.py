"""The contract of Art. 28 GDPR, sub-processors, breaches; logos; how long a company keeps messages."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from tenants.isolation import AppendOnly, IsolateTenant


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0021_more_disposals"),
        ("tenants", "0004_no_index_on_tenant_alone"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Agreement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("version", models.CharField(max_length=20)),
                ("language", models.CharField(max_length=2)),
                ("text", models.TextField()),
                ("sha256", models.CharField(max_length=64)),
                ("signer", models.CharField(max_length=200, verbose_name="name")),
                ("position", models.CharField(max_length=200, verbose_name="position")),
                ("accepted_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "accepted_by",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="agreements",
                        to="tenants.tenant",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Breach",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("known_at", models.DateTimeField(verbose_name="known since")),
                ("began_on", models.DateField(blank=True, null=True, verbose_name="from")),
                ("ended_on", models.DateField(blank=True, null=True, verbose_name="until")),
                ("what", models.TextField(verbose_name="what happened")),
                ("data", models.TextField(verbose_name="which data and whose")),
                ("people", models.PositiveIntegerField(blank=True, null=True, verbose_name="how many people, about")),
                ("effects", models.TextField(blank=True, verbose_name="likely consequences")),
                ("measures", models.TextField(blank=True, verbose_name="measures taken")),
                ("is_risk", models.BooleanField(default=True, verbose_name="a risk for the people concerned")),
                ("is_high_risk", models.BooleanField(default=False, verbose_name="a high risk for them")),
                ("authority_told_at", models.DateTimeField(blank=True, null=True, verbose_name="authority notified")),
                ("people_told_at", models.DateTimeField(blank=True, null=True, verbose_name="people informed")),
                ("why_not", models.TextField(blank=True, verbose_name="why nobody was told, or late")),
                ("closed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="breaches",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "breach",
                "verbose_name_plural": "breaches",
            },
        ),
        migrations.CreateModel(
            name="Logo",
            fields=[
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="logo",
                        serialize=False,
                        to="tenants.tenant",
                    ),
                ),
                ("png", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
                ("width", models.PositiveSmallIntegerField()),
                ("height", models.PositiveSmallIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="SubProcessor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("address", models.CharField(max_length=300, verbose_name="address")),
                ("country", models.CharField(max_length=2, verbose_name="country")),
                ("purpose", models.CharField(max_length=300, verbose_name="what for")),
                ("safeguard", models.CharField(blank=True, max_length=300, verbose_name="safeguard")),
                ("active_from", models.DateField(verbose_name="from")),
                ("ended_on", models.DateField(blank=True, null=True, verbose_name="until")),
                ("announced_at", models.DateTimeField(editable=False, null=True, verbose_name="announced")),
            ],
            options={
                "verbose_name": "sub-processor",
                "verbose_name_plural": "sub-processors",
            },
        ),
        migrations.AddField(
            model_name="controller",
            name="message_months",
            field=models.PositiveSmallIntegerField(
                db_default=24, default=24, verbose_name="how long messages are kept"
            ),
        ),
        migrations.AddField(
            model_name="controller",
            name="silence_months",
            field=models.PositiveSmallIntegerField(
                db_default=24, default=24, verbose_name="after how long without contact a consent ends"
            ),
        ),
        migrations.AddConstraint(
            model_name="controller",
            constraint=models.CheckConstraint(
                condition=models.Q(("message_months__range", (1, 24)), ("silence_months__range", (1, 24))),
                name="nothing_kept_for_longer_than_lawful",
            ),
        ),
        migrations.AddConstraint(
            model_name="subprocessor",
            constraint=models.UniqueConstraint(fields=("name", "active_from"), name="sub_processor_by_name_and_day"),
        ),
        migrations.AddConstraint(
            model_name="agreement",
            constraint=models.UniqueConstraint(fields=("tenant", "uid"), name="agreement_uid"),
        ),
        migrations.AddConstraint(
            model_name="breach",
            constraint=models.UniqueConstraint(fields=("tenant", "uid"), name="breach_uid"),
        ),
        migrations.AlterField(
            model_name="disposal",
            name="what",
            field=models.CharField(
                choices=[
                    ("messages", "Messages past their time, made anonymous"),
                    ("clicks", "Clicks past their time, made anonymous"),
                    ("inbound", "Received messages past their time"),
                    ("consents", "Consents that nobody used any more, expired"),
                    ("sign_ups", "Requests to sign up, after 14 days"),
                    ("proofs", "Proofs of consents that ended, after the third calendar year"),
                    ("exports", "Exports older than 7 days"),
                ],
                max_length=10,
            ),
        ),
        IsolateTenant("Agreement"),
        AppendOnly("Agreement"),
        IsolateTenant("Breach"),
        IsolateTenant("Logo"),
    ]
