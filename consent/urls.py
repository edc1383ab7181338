"""Routes of the consent app: its API and the dashboard's imports."""

from django.urls import URLPattern, path

from consent.api import consents, imports, people, requests
from consent.views import imports as import_views

urlpatterns = [
    path("imports/", import_views.imports, name="imports"),
    path("imports/new/", import_views.new, name="import_new"),
    path("imports/<uuid:uid>/", import_views.show, name="import"),
    path("imports/<uuid:uid>/columns/", import_views.columns, name="import_columns"),
    path("imports/<uuid:uid>/check/", import_views.check, name="import_check"),
    path("imports/<uuid:uid>/run/", import_views.run, name="import_run"),
    path("imports/<uuid:uid>/cancel/", import_views.cancel, name="import_cancel"),
    path("imports/<uuid:uid>/rejected/", import_views.rejected, name="import_rejected"),
    path("imports/<uuid:uid>/notes/", import_views.notes, name="import_notes"),
]

api_urls: list[URLPattern] = [*people.api_urls, *consents.api_urls, *imports.api_urls, *requests.api_urls]
