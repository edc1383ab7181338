"""Routes of campaigns: the wizard, what can be done with a campaign, and the numbers they are sent from.

The list and report belong to analytics.
"""

from django.urls import URLPattern, path

from campaigns.api.campaigns import CampaignViewSet
from campaigns.api.previews import TemplatePreview
from campaigns.views import editing, numbers, sending

urlpatterns = [
    path("numbers/", numbers.numbers, name="numbers"),
    path("numbers/<uuid:uid>/profile/", numbers.profile, name="number_profile"),
    path("campaigns/new/", editing.new, name="campaign_new"),
    path("campaigns/<uuid:uid>/edit/", editing.name, name="campaign_name"),
    path("campaigns/<uuid:uid>/edit/audience/", editing.audience, name="campaign_audience"),
    path("campaigns/<uuid:uid>/edit/message/", editing.message, name="campaign_message"),
    path("campaigns/<uuid:uid>/edit/template/", editing.template, name="campaign_template"),
    path("campaigns/<uuid:uid>/edit/preview/", editing.preview, name="campaign_preview"),
    path("campaigns/<uuid:uid>/edit/missing/", editing.missing, name="campaign_missing"),
    path("campaigns/<uuid:uid>/edit/review/", sending.review, name="campaign_review"),
    path("campaigns/<uuid:uid>/launch/", sending.launch, name="campaign_launch"),
    path("campaigns/<uuid:uid>/schedule/", sending.schedule, name="campaign_schedule"),
    path("campaigns/<uuid:uid>/unschedule/", sending.unschedule, name="campaign_unschedule"),
    path("campaigns/<uuid:uid>/pause/", sending.pause, name="campaign_pause"),
    path("campaigns/<uuid:uid>/resume/", sending.resume, name="campaign_resume"),
    path("campaigns/<uuid:uid>/cancel/", sending.cancel, name="campaign_cancel"),
    path("campaigns/<uuid:uid>/duplicate/", sending.duplicate, name="campaign_duplicate"),
]

ONE = "campaigns/<uuid:uid>/"


def _post(action: str) -> URLPattern:
    name = action.replace("_", "-")
    return path(f"{ONE}{name}/", CampaignViewSet.as_view({"post": action}), name=f"campaign-{name}")


api_urls: list[URLPattern] = [
    path("campaigns/", CampaignViewSet.as_view({"get": "list", "post": "create"}), name="campaigns"),
    path(
        ONE,
        CampaignViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="campaign",
    ),
    path("templates/<uuid:uid>/preview/", TemplatePreview.as_view(), name="template-preview"),
    path(f"{ONE}estimate/", CampaignViewSet.as_view({"get": "estimate"}), name="campaign-estimate"),
    *(
        _post(action)
        for action in (
            *("test_send", "schedule", "unschedule", "launch"),
            *("pause", "resume", "cancel", "duplicate"),
        )
    ),
]
