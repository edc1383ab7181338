"""The append-only record of yes and no, and the rules that decide whether we may send."""
