"""The pages door, asked as a browser asks it."""
