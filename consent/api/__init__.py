"""The REST API of consent: declarations, wordings, forms, and imports."""
