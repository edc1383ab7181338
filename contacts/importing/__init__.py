"""Brings files of contacts into the database: layout, records, clean lines, staging, contacts; in bounded batches."""
