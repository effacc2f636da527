"""Stores: what a statement reads, where that is not plain from its text."""
