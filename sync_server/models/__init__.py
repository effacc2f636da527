"""Every table, a module per family; relations are drawn at the top of each."""

from sync_server.models import base, batches, drafts, forms, hubs, people, records

__all__ = ["base", "batches", "drafts", "forms", "hubs", "people", "records"]
