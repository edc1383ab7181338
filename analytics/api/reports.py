"""The three calls of the report API."""

import re
from uuid import UUID
from zoneinfo import ZoneInfo

from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from analytics import queries
from analytics.api.serializers import (
    OverviewSerializer,
    PeriodQuery,
    RecipientPageSerializer,
    RecipientQuery,
    RecipientSerializer,
    ReportSerializer,
)
from campaigns.models import Campaign
from tenants.rest import Pages, TenantView


class CampaignReport(TenantView):
    """One campaign in numbers."""

    scope_noun = "reports"

    @extend_schema(responses=ReportSerializer, operation_id="campaigns_report")
    def get(self, request: Request, uid: UUID) -> Response:
        """Audience, states, reasons, funnel, KPIs with definitions, failures with remedies, variants, hours, links."""
        campaign: Campaign = get_object_or_404(
            self.tenant.campaigns.select_related("source", "number__account"), uid=uid
        )
        return Response(ReportSerializer(queries.report(campaign)).data)


class CampaignMessages(TenantView):
    """The recipients behind a campaign's numbers."""

    scope_noun = "reports"

    @extend_schema(parameters=[RecipientQuery], responses=RecipientPageSerializer, operation_id="campaigns_messages")
    def get(self, request: Request, uid: UUID) -> Response:
        """Recipients page by page, filtered by state, reason, error code, or a step that was ever reached."""
        campaign: Campaign = get_object_or_404(self.tenant.campaigns, uid=uid)
        wanted = RecipientQuery(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        filters = {name: value for name, value in wanted.validated_data.items() if name not in ("cursor", "page_size")}
        pages = ByContact()
        page = pages.paginate_queryset(queries.recipients(campaign, **filters), request, view=self)
        return pages.get_paginated_response(RecipientSerializer(queries.shown(page or []), many=True).data)


class OverviewReport(TenantView):
    """The home screen in numbers."""

    scope_noun = "reports"

    @extend_schema(parameters=[PeriodQuery], responses=OverviewSerializer, operation_id="reports_overview")
    def get(self, request: Request) -> Response:
        """A period beside the one before it, day by day, with running campaigns and what needs attention."""
        period = PeriodQuery(data=request.query_params, context={"zone": ZoneInfo(self.tenant.timezone)})
        period.is_valid(raise_exception=True)
        return Response(OverviewSerializer(queries.overview(self.tenant, **period.validated_data)).data)


class ByContact(Pages):
    """Keyset pages along the unique key (tenant, source, contact): the last page costs what the first one does."""

    ordering = "contact_id"
    # Below zero stand messages that name nobody any more.
    position = re.compile(r"-?[0-9]+")
