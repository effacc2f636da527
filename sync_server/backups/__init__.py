"""Backups: the whole install in one file, and an install made of one (docs/backup.md, ADR 0014)."""
