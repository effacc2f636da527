"""Publishing forms, altering lists, importing registers: on both databases."""
