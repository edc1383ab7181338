"""People and what they did: contacts, identities, tags, lists, events, and importing them."""
