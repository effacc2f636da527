"""A demo regency: its people, its children, and the months in which its phones sent them."""
