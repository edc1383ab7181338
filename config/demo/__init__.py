"""The demo: two invented companies, ten thousand invented people, and a campaign from import to revenue."""
