"""Dashboard screens of numbers: the overview, the campaign list, a campaign's report and its recipients."""
