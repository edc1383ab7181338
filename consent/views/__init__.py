"""The dashboard's screens of consent: imports of contacts, requests of people about their data."""
