"""What goes from server to server and to programs: feeds of records and of changes."""
