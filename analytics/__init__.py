"""KPI tables, attribution and reports; reads only."""
