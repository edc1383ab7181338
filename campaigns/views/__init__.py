"""Dashboard screens of campaigns: writing one, and starting, pausing and cancelling it."""
