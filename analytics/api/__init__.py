"""REST API of reports: one campaign in numbers, its recipients, and a period of the whole workspace."""
