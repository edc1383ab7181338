"""Routes before a workspace is chosen; config.urls puts them at the root."""

from django.urls import path

from tenants import views

root_urls = [path("", views.home, name="home")]
