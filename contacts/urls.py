"""Routes of the contacts app; those of the contacts themselves are consent's, which a changed number ends."""

from django.urls import URLPattern

from contacts.api import events, groups

api_urls: list[URLPattern] = [*groups.api_urls, *events.api_urls]
