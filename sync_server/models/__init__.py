"""Every table, a module per family; relations are drawn at the top of each."""

from sync_server.models import base, forms, people, records

__all__ = ["base", "forms", "people", "records"]
