"""The sync door, request by request."""
