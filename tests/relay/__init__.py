"""What goes from server to server."""
