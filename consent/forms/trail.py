"""Checks what somebody looks for in the activity log."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from consent import telling
from consent.models import Channel, State
from consent.trail import Asked
from consent.trail.reading import ACTIONS, DECLARATIONS, PERSON, PRODUCT
from tenants.models import ApiKey, Tenant, User


class TrailForm(forms.Form):
    """Which days, which kind, who did it, over which channel; whatever is left open counts for all."""

    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("Up to"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    by = forms.ChoiceField(label=_("Who"), required=False)
    channel = forms.ChoiceField(label=_("Channel"), required=False, choices=[("", _("All channels")), *Channel.choices])

    def __init__(self, tenant: Tenant, data: Any) -> None:
        super().__init__(data)
        self._actors = _actors(tenant)
        states = [(state.value, telling.state(state)) for state in State]
        everything = [("", _("Everything")), (ACTIONS, _("What the team did")), (DECLARATIONS, _("All consent events"))]
        kind, by = self.fields["kind"], self.fields["by"]
        assert isinstance(kind, forms.ChoiceField)
        assert isinstance(by, forms.ChoiceField)
        kind.choices = [*everything, (_("One consent event"), states)]
        by.choices = [
            ("", _("Everybody")),
            (PERSON, _("The people themselves")),
            (PRODUCT, "Zusage"),
            *((code, _called(actor)) for code, actor in self._actors.items()),
        ]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        since, until = given.get("since"), given.get("until")
        if until == date.max:
            raise ValidationError({"until": _("Enter a valid date.")})
        if since and until and until < since:
            raise ValidationError({"until": _("The end lies before the beginning. Choose a later day.")})
        return given

    @property
    def asked(self) -> Asked:
        """What `consent.trail` looks for."""
        given = self.cleaned_data
        by = given["by"]
        return Asked(
            since=_beginning(given["since"]) if given["since"] else None,
            until=_beginning(given["until"] + timedelta(days=1)) if given["until"] else None,
            kind=given["kind"],
            by=self._actors.get(by, by) or None,
            channel=given["channel"],
        )

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out."""
        return any(self.cleaned_data.values())


def _actors(tenant: Tenant) -> dict[str, User | ApiKey]:
    """Everybody who works here now, and every key, by a code for addresses that names nobody."""
    members = tenant.memberships.select_related("user").order_by("user__name", "user__email")
    people = {_code(f"user:{member.user_id}"): member.user for member in members}
    return {**people, **{_code(f"key:{key.pk}"): key for key in tenant.api_keys.order_by("name", "pk")}}


def _code(named: str) -> str:
    return salted_hmac("consent.trail", named).hexdigest()[:16]


def _called(actor: User | ApiKey) -> str:
    if isinstance(actor, ApiKey):
        return str(_("Key “%(name)s”")) % {"name": actor.name}
    return actor.name or actor.email


def _beginning(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
