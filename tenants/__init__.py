"""Who pays and who works here: tenants, users, keys, audit, and the two walls between tenants."""
