"""Routes of the consent app."""

from django.urls import URLPattern

from consent.api import consents, imports

api_urls: list[URLPattern] = [*consents.api_urls, *imports.api_urls]
