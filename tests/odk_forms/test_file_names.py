"""The names of files as HTTP clients write them in a part's head, and as XML refers to them."""

import pytest

from odk_forms.file_names import referred_to, sent_name


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ('form-data; name="a.jpg"; filename="b.jpg"', "a.jpg"),
        ('form-data; filename="b.jpg"; name="a.jpg"', "a.jpg"),
        ('form-data;name="a.jpg"', "a.jpg"),
        ('form-data; name="a;b=c.jpg"; filename="x"', "a;b=c.jpg"),
        (r'form-data; name="C:\dcim\a.jpg"; filename="x"', r"C:\dcim\a.jpg"),
        ('form-data; name="ends with one\\"; filename="x"', "ends with one\\"),
        ('form-data; name="%22a%22%0D%0A.jpg"', '"a"\r\n.jpg'),
        ('form-data; name="a%20b%2F.jpg"', "a%20b%2F.jpg"),
        ('form-data; name="صادق 😀.jpg"', "صادق 😀.jpg"),
        ('form-data; name=""; filename="x"', ""),
        ("form-data; name=plain; filename=x", None),
        ('form-data; name="a\\"b.jpg"; filename="x"', None),  # read as header fields are
        ('form-data; filename="name.jpg"', None),
        ("", None),
    ],
)
def test_the_name_of_a_part(head, name):
    assert sent_name(head) == name


@pytest.mark.parametrize(
    ("came", "found"),
    [
        ("a.jpg", "a.jpg"),
        ("kuo\u0302ta.jpg", "ku\u00f4ta.jpg"),
        ("ku\u00f4ta.jpg", "ku\u00f4ta.jpg"),
        ("dua.jpg", "C:\\dcim\\dua.jpg"),
        ("A.jpg", None),
        (" a.jpg", None),
        ("../a.jpg", None),
        ("", None),
    ],
)
def test_what_the_xml_calls_a_file_that_came(came, found):
    assert referred_to(came, ("a.jpg", "ku\u00f4ta.jpg", "C:\\dcim\\dua.jpg")) == found
