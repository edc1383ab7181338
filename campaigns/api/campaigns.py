"""Campaigns over the REST API: prepare, estimate, launch, pause, resume, cancel."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import actions, preflight, queries
from campaigns.actions import CannotLaunch, WrongState
from campaigns.api.shapes import (
    CampaignIn,
    CampaignOut,
    CampaignPatchIn,
    EstimateOut,
    ScheduleIn,
    TestIn,
    WarnedCampaignOut,
)
from campaigns.models import Campaign
from campaigns.preflight import Check
from tenants.models import Tenant
from tenants.problems import Conflict
from tenants.rest import TenantViewSet


class CampaignViewSet(TenantViewSet):
    """Campaigns: what goes to whom, when, and how far it has come."""

    scope_noun = "campaigns"
    scopes = {
        "estimate": "campaigns:read",
        **dict.fromkeys(
            ("launch", "schedule", "unschedule", "pause", "resume", "cancel", "test_send"), "campaigns:send"
        ),
    }
    serializer_class = CampaignOut
    filterset_fields = ["state"]

    def get_queryset(self) -> QuerySet[Campaign]:
        return queries.with_parts(self.tenant.campaigns.select_related("number", "source"))

    def list(self, request: Request) -> Response:
        """Newest first; filter by `state`."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, uid: UUID) -> Response:
        """One campaign."""
        return Response(CampaignOut(self.get_object()).data)

    @extend_schema(request=CampaignIn, responses={201: CampaignOut})
    def create(self, request: Request) -> Response:
        """A new draft, with as much as is known already."""
        values = _read(CampaignIn(data=request.data))
        campaign = actions.create(tenant=self.tenant, name=values["name"], by=self.key)
        self._fill(campaign, {name: value for name, value in values.items() if name != "name"})
        return self._answer(campaign, status.HTTP_201_CREATED)

    @extend_schema(request=CampaignPatchIn, responses={200: CampaignOut})
    def partial_update(self, request: Request, uid: UUID) -> Response:
        """Change a draft; `audience` and `variants` replace what was there."""
        values = _read(CampaignPatchIn(data=request.data))
        campaign = self.get_object()
        _or_conflict(lambda: self._fill(campaign, values))
        return self._answer(campaign)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, uid: UUID) -> Response:
        """Delete a draft."""
        campaign = self.get_object()
        _or_conflict(lambda: actions.delete(campaign=campaign, by=self.key))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={200: EstimateOut})
    def estimate(self, request: Request, uid: UUID) -> Response:
        """How many people it reaches now, why not the others, what it takes and costs, and what launch still needs."""
        campaign = self.get_object()
        found = queries.estimate(campaign)
        checks = preflight.checks(campaign, found)
        reasons = [{"code": code, "text": text, "people": people} for code, text, people in found.reasons]
        return Response(EstimateOut({**vars(found), "reasons": reasons, "checks": checks}).data)

    @extend_schema(request=TestIn, responses={202: OpenApiResponse(description="The test message is queued.")})
    def test_send(self, request: Request, uid: UUID) -> Response:
        """Send the message to one contact; consent is checked as for everybody."""
        values = _read(TestIn(data=request.data))
        contact = _one(self.tenant.contacts, values["contact"], "contact")
        campaign = self.get_object()
        _or_conflict(
            lambda: actions.send_test(campaign=campaign, contact=contact, by=self.key, variant=values["variant"])
        )
        return Response(status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=ScheduleIn, responses={200: WarnedCampaignOut})
    def schedule(self, request: Request, uid: UUID) -> Response:
        """Launch at a wall-clock time; `warnings` says what to look at before."""
        values = _read(ScheduleIn(data=request.data))
        campaign = self.get_object()
        _or_conflict(
            lambda: actions.schedule(
                campaign=campaign,
                local=values["local_time"],
                timezone=values.get("timezone") or self.tenant.timezone,
                by=self.key,
            )
        )
        return self._answer(campaign, shape=WarnedCampaignOut)

    @extend_schema(request=None, responses={200: CampaignOut})
    def unschedule(self, request: Request, uid: UUID) -> Response:
        """Turn a scheduled campaign back into a draft."""
        return self._do(actions.unschedule)

    @extend_schema(request=None, responses={200: WarnedCampaignOut})
    def launch(self, request: Request, uid: UUID) -> Response:
        """Freeze the audience and send; launching what runs changes nothing. `warnings` keep nothing from it."""
        return self._do(actions.launch, shape=WarnedCampaignOut)

    @extend_schema(request=None, responses={200: CampaignOut})
    def pause(self, request: Request, uid: UUID) -> Response:
        """Stop sending for now."""
        return self._do(actions.pause)

    @extend_schema(request=None, responses={200: CampaignOut})
    def resume(self, request: Request, uid: UUID) -> Response:
        """Send what waits, for 24 hours at most."""
        return self._do(actions.resume)

    @extend_schema(request=None, responses={200: CampaignOut})
    def cancel(self, request: Request, uid: UUID) -> Response:
        """End for good; what waits is cancelled."""
        return self._do(actions.cancel)

    @extend_schema(request=None, responses={201: CampaignOut})
    def duplicate(self, request: Request, uid: UUID) -> Response:
        """A new draft with the same audience and content."""
        copy = actions.duplicate(campaign=self.get_object(), by=self.key)
        return self._answer(copy, status.HTTP_201_CREATED)

    def _do(self, action: Callable[..., Campaign], shape: type[CampaignOut] = CampaignOut) -> Response:
        campaign = self.get_object()
        _or_conflict(lambda: action(campaign=campaign, by=self.key))
        return self._answer(campaign, shape=shape)

    def _answer(
        self, campaign: Campaign, code: int = status.HTTP_200_OK, shape: type[CampaignOut] = CampaignOut
    ) -> Response:
        return Response(shape(self.get_queryset().get(pk=campaign.pk)).data, status=code)

    def _fill(self, campaign: Campaign, values: dict[str, Any]) -> None:
        tenant = self.tenant
        if {"name", "number", "purpose"} & set(values):
            number = _one(tenant.numbers, values["number"], "number") if "number" in values else None
            named = {"name": values.get("name"), "purpose": values.get("purpose")}
            actions.update(campaign=campaign, by=self.key, number=number, **named)
        if "audience" in values:
            actions.set_audience(campaign=campaign, by=self.key, **_audience(tenant, values["audience"]))
        for position, variant in enumerate(values.get("variants", [])):
            actions.set_content(
                campaign=campaign,
                by=self.key,
                template=_one(tenant.templates, variant["template"], "template"),
                variables=variant.get("variables", {}),
                variant=position,
                weight=variant["weight"],
            )
        if "variants" in values:
            actions.keep_variants(campaign=campaign, by=self.key, count=len(values["variants"]))


def _read(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def _audience(tenant: Tenant, values: dict[str, Any]) -> dict[str, list[Any]]:
    chosen: dict[str, list[Any]] = {}
    for side in ("include", "exclude"):
        groups = values.get(side) or {}
        chosen[f"{side}_lists"] = _all(tenant.lists, groups.get("lists", []), f"audience.{side}.lists")
        chosen[f"{side}_segments"] = _all(tenant.segments, groups.get("segments", []), f"audience.{side}.segments")
    return chosen


def _one(rows: Any, uid: UUID, field: str) -> Any:
    return _all(rows, [uid], field)[0]


def _all(rows: Any, uids: list[UUID], field: str) -> list[Any]:
    """The tenant's rows with these uids; another tenant's uid is as unknown as an invented one."""
    uids = list(dict.fromkeys(uids))
    found = {row.uid: row for row in rows.filter(uid__in=uids)}
    missing = [str(uid) for uid in uids if uid not in found]
    if missing:
        raise ValidationError({field: [_("Unknown: %(uids)s.") % {"uids": ", ".join(missing)}]})
    return [found[uid] for uid in uids]


def _or_conflict(call: Callable[[], Any]) -> None:
    """Run an action; what it refuses becomes an error by field (400) or a conflict with the state (409)."""
    try:
        call()
    except CannotLaunch as refused:
        raise ValidationError(_by_field(refused.problems)) from None
    except WrongState as wrong:
        raise Conflict(str(wrong)) from None


def _by_field(problems: list[Check]) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for problem in problems:
        fields.setdefault(problem.field, []).append(problem.text)
    return fields
