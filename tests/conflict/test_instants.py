"""Times as they are sent, read as instants."""

import pytest

from conflict.instants import as_instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-21T10:00:00.500+07:00", "2026-11-21T03:00:00.500Z"),
        (" 2026-11-21T03:00:00Z ", "2026-11-21T03:00:00.000Z"),
        ("2026-11-21T03:00:00.123456Z", "2026-11-21T03:00:00.123Z"),
        ("2026-11-21T10:00:00", None),
        ("2026-11-21", None),
        ("kemarin", None),
        ("", None),
        ("0001-01-01T00:00:00+07:00", None),
    ],
)
def test_a_time_with_its_zone_is_an_instant(text, instant):
    assert as_instant(text) == instant
