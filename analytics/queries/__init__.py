"""Reads for the report of a campaign, its recipients, and the home screen."""

from analytics.queries.campaign import report
from analytics.queries.home import overview
from analytics.queries.people import first_recipients, recipients, shown
from analytics.queries.sums import by_source

__all__ = ["by_source", "first_recipients", "overview", "recipients", "report", "shown"]
