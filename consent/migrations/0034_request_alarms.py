"""Owners are told by mail of requests of people that are near their last day, and of those that are past it (CG-44)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0033_signup_texts")]

    operations = [
        migrations.AddField("datarequest", "told_near", models.DateField(editable=False, null=True)),
        migrations.AddField("datarequest", "told_late", models.DateField(editable=False, null=True)),
        migrations.AlterField(
            "announcement",
            "kind",
            models.CharField(
                choices=[
                    ("breach", "breach"),
                    ("due", "72 hours nearly over"),
                    ("late", "data requests overdue"),
                    ("nearing", "data requests due soon"),
                    ("subprocessor", "sub-processor"),
                ],
                max_length=12,
                verbose_name="what is told",
            ),
        ),
        migrations.RemoveConstraint("announcement", "announcement_is_of_one_thing"),
        migrations.AddConstraint(
            "announcement",
            models.CheckConstraint(
                condition=models.Q(("breach__isnull", True), ("kind", "subprocessor"), ("subprocessor__isnull", False))
                | models.Q(("breach__isnull", False), ("kind__in", ["breach", "due"]), ("subprocessor__isnull", True))
                | models.Q(("breach__isnull", True), ("kind__in", ["late", "nearing"]), ("subprocessor__isnull", True)),
                name="announcement_is_of_one_thing",
            ),
        ),
        migrations.AddConstraint(
            "announcement",
            models.UniqueConstraint(
                condition=models.Q(("kind__in", ["late", "nearing"]), ("told_at", None)),
                fields=("tenant", "kind"),
                name="requests_told_together",
            ),
        ),
    ]
