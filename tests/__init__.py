"""The tests mirror the rooms; `scenarios/` tells stories through the real doors."""
