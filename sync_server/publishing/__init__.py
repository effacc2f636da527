"""What admins put in: forms, lists and their declarations, registers, packs."""
