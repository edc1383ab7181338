"""The outbox, the only door out: messages, tracked links, sending and delivery."""
