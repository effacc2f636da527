"""A seeded fleet that works against a running server, and asks the doors whether it kept its word.

It stands outside: it speaks HTTP, by `fleet` as phones do and by `client` as programs do, and
runs hubs as installs of their own. No database is opened, nothing of the engine is imported.

options ─▶ plan      what everybody will type, send, lose and decide, week by week; pure
installs, office     servers it starts, and a manager's line to one
phones, programs, supervisors, hubs      who works; faults: what their lines do to them
book                 what was acknowledged and typed, in their own hand
drill ─▶ evidence ─▶ promises ─▶ table   the weeks; what the doors answer at the end; the verdict
"""
