"""Dashboard pages of consent, one module per noun."""
