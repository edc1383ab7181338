"""Routes of the consent app: its API, the dashboard's imports, and requests of people about their data."""

from django.urls import URLPattern, path

from consent.api import consents, imports, people, requests
from consent.views import imports as import_views
from consent.views import requests as request_views

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
    path("data-requests/", request_views.listing, name="data_requests"),
    path("data-requests/new/", request_views.new, name="data_request_new"),
    path("data-requests/<uuid:uid>/", request_views.show, name="data_request"),
    path("data-requests/<uuid:uid>/identity/", request_views.note, name="data_request_identity"),
    path("data-requests/<uuid:uid>/run/", request_views.run, name="data_request_run"),
    path("data-requests/<uuid:uid>/correct/", request_views.correct, name="data_request_correct"),
    path("data-requests/<uuid:uid>/lift/", request_views.lift, name="data_request_lift"),
    path("data-requests/<uuid:uid>/extend/", request_views.extend, name="data_request_extend"),
    path("data-requests/<uuid:uid>/close/", request_views.close, name="data_request_close"),
    path("data-requests/<uuid:uid>/file/", request_views.download, name="data_request_file"),
]

api_urls: list[URLPattern] = [*people.api_urls, *consents.api_urls, *imports.api_urls, *requests.api_urls]
