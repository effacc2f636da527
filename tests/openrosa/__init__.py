"""The phones' door, request by request."""
