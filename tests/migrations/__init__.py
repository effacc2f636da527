"""The tables that migrations make."""
