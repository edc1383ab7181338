"""The REST API of contacts: people, their tags and lists, and the events they leave."""
