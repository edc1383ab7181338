"""What imports claim over a person's no: for people to look at, because only the person can say yes again."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.models import Contact, Import
from tenants.fields import TenantForeignKey, owner


class ImportClaim(models.Model):
    """A line that claims, with proof, a yes newer than the no of the person (consent-gdpr § 8).

    Nothing is sent on its strength. `sealed` is what the line says, encrypted; it goes with the file, after 30 days.
    """

    class State(models.TextChoices):
        OPEN = "open", _("open")
        OFFERED = "offered", _("way back offered")
        DISMISSED = "dismissed", _("dismissed")

    tenant = owner("import_claims")
    imported = TenantForeignKey(Import, on_delete=models.CASCADE, related_name="claims")
    contact = TenantForeignKey(Contact, on_delete=models.CASCADE, related_name="import_claims")
    line = models.IntegerField()
    claimed_at = models.DateTimeField()
    sealed = models.TextField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "imported", "line"], name="claim_once_per_line"),
            models.CheckConstraint(
                name="claim_is_open_or_decided",
                condition=models.Q(state="open", decided_at=None)
                | ~models.Q(state="open") & models.Q(decided_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"claim of line {self.line}"
