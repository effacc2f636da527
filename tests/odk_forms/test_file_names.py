"""The names of files as XML refers to them."""

import pytest

from odk_forms.file_names import Named


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
    named = Named(("a.jpg", "ku\u00f4ta.jpg", "C:\\dcim\\dua.jpg", "d%22e.jpg"))
    assert named.of(came) == found


def test_a_name_stands_for_itself_before_it_stands_for_another():
    folded = ("C:\\a.jpg", "D:\\a.jpg", "b.jpg ", "b.jpg")
    assert [Named(folded).of(one) for one in (*folded, "a.jpg")] == [*folded, "C:\\a.jpg"]


def test_many_files_are_found_among_many_names():
    named = Named(f"{number}.jpg" for number in range(200_000))
    assert [named.of(f"C:\\{number}.jpg") for number in range(1000)][-1] == "999.jpg"
