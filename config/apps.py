"""Registers the config app with Django."""

from django.apps import AppConfig


class HouseConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "config"
