"""The client that programs and hubs use."""
