"""What people may ask of us: told, exported, erased, and not kept longer than needed (Art. 12-22 and 5(1)(e) GDPR)."""
