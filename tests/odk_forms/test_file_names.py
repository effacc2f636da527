"""The names of files as XML refers to them."""

import pytest

from odk_forms.file_names import referred_to


@pytest.mark.parametrize(
    ("came", "found"),
    [
        ("a.jpg", "a.jpg"),
        ("kuo\u0302ta.jpg", "ku\u00f4ta.jpg"),
        ("ku\u00f4ta.jpg", "ku\u00f4ta.jpg"),
        ("dua.jpg", "C:\\dcim\\dua.jpg"),
        ("A.jpg", None),
        (" a.jpg ", "a.jpg"),
        ('d"e.jpg', "d%22e.jpg"),
        ("../a.jpg", None),
        ("", None),
    ],
)
def test_what_the_xml_calls_a_file_that_came(came, found):
    assert referred_to(came, ("a.jpg", "ku\u00f4ta.jpg", "C:\\dcim\\dua.jpg", "d%22e.jpg")) == found
