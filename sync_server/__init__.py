"""Simpul: an offline-first sync server for ODK Collect and village hubs."""
