"""Screens about consent: imports, and the public pages on which people sign up and say no."""
