"""The merge, without a database: what one runs on save."""
