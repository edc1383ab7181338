"""Brings files of contacts into the database: layout → records → clean rows → staging → contacts, in bounded batches."""
