"""Dashboard screens of consent: imports, the company, and the wordings that people agree to."""
