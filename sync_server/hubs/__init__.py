"""Hubs: who relays for a centre, how one is set up, and what it carries up and down."""
