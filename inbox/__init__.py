"""The only door in: webhooks, raw events, receiving, conversations."""
