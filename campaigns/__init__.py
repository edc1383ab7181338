"""Campaigns: audience, freeze, schedule, launch, pause."""
