"""What the sync door takes at once, as `info` publishes it."""

from __future__ import annotations

MAX_ITEMS = 500
MAX_BYTES = 1 << 20  # of a body on the wire
MAX_RAW_BYTES = 8 << 20  # of a body once inflated
