"""A centre and its hubs."""
