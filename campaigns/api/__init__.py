"""Campaigns over the REST API."""
