"""What the product can do with consent: record declarations, run imports."""
