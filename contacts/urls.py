"""Routes of the contacts app."""

from django.urls import URLPattern

from contacts.api import events, groups, people

api_urls: list[URLPattern] = [*people.api_urls, *groups.api_urls, *events.api_urls]
