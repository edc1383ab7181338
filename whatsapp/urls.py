"""Routes of templates, files and numbers."""

from django.urls import URLPattern, path

from whatsapp.api import MediaViewSet, NumberViewSet, TemplateViewSet

ONE = "templates/<uuid:uid>/"

api_urls: list[URLPattern] = [
    path("templates/", TemplateViewSet.as_view({"get": "list", "post": "create"}), name="templates"),
    path("templates/sync/", TemplateViewSet.as_view({"post": "sync"}), name="templates-sync"),
    path(
        ONE,
        TemplateViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="template",
    ),
    path(f"{ONE}submit/", TemplateViewSet.as_view({"post": "submit"}), name="template-submit"),
    path(f"{ONE}lint/", TemplateViewSet.as_view({"get": "lint"}, pagination_class=None), name="template-lint"),
    path("media/", MediaViewSet.as_view({"get": "list", "post": "create"}), name="media"),
    path("media/<uuid:uid>/", MediaViewSet.as_view({"get": "retrieve"}), name="one-media"),
    path("numbers/", NumberViewSet.as_view({"get": "list"}), name="numbers"),
    path("numbers/<uuid:uid>/", NumberViewSet.as_view({"get": "retrieve"}), name="number"),
    path("numbers/<uuid:uid>/profile/", NumberViewSet.as_view({"post": "profile"}), name="number-profile"),
]
