"""What tests lean on: a still clock, throw-away databases, the real server, a browser."""
