"""Routes of the segments app."""

from django.urls import URLPattern

from segments import api

api_urls: list[URLPattern] = api.api_urls
