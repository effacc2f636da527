"""Phones as programs: ODK Collect's side of the wire, for the demo and for simulated fleets.

Nothing here knows this server's store: a phone has an address, a clock and what it downloaded.
"""
