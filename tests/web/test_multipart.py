"""Bodies of parts as clients write them, and as nobody should."""

import io
from contextlib import ExitStack

import pytest

from sync_server.web.multipart import MOST_PARTS, NotMultipart, read_parts


def body(*heads: bytes, end: bytes = b"\r\n", last: bytes = b"--x--\r\n") -> bytes:
    parts = (b"--x" + end + head + end * 2 + b"\x00\xff" + end for head in heads)
    return b"".join(parts) + last


def read(raw: bytes, boundary: str = "x"):
    with ExitStack() as opened:
        found = list(read_parts(io.BytesIO(raw), boundary, opened))
        return [(part.name, part.file_name, part.file.read()) for part in found]


def named(disposition: str, encoding: str = "utf-8"):
    head = f"Content-Disposition: form-data; {disposition}".encode(encoding)
    return read(body(head + b"\r\nContent-Type: image/jpeg"))


@pytest.mark.parametrize(
    ("disposition", "name", "file_name"),
    [
        ('name="a.jpg"; filename="b.jpg"', "a.jpg", "b.jpg"),
        ('filename="b.jpg"; name="a.jpg"', "a.jpg", "b.jpg"),
        ('name="a.jpg"', "a.jpg", ""),
        ('name="a;b=c.jpg"; filename="x"', "a;b=c.jpg", "x"),
        (r'name="C:\dcim\a.jpg"; filename="C:\dcim\a.jpg"', r"C:\dcim\a.jpg", r"C:\dcim\a.jpg"),
        ('name="ends with one\\"; filename="so does this\\"', "ends with one\\", "so does this\\"),
        ('name="%22a%22%0D%0A.jpg"', '"a"\r\n.jpg', ""),
        ('name="a%20b%2F.jpg"', "a%20b%2F.jpg", ""),
        ('name="صادق 😀.jpg"', "صادق 😀.jpg", ""),
        ('name=""; filename="x"', "", "x"),
        ("name=plain; filename=x", "plain", "x"),
        ('name="a\\"b.jpg"; filename="x"', 'a"b.jpg', "x"),  # of a client that escapes so
        ('filename="name.jpg"', "", "name.jpg"),
    ],
)
def test_the_names_of_a_part_are_what_its_client_meant(disposition, name, file_name):
    assert named(disposition) == [(name, file_name, b"\x00\xff")]


def test_a_head_that_is_not_in_utf_8_loses_no_part():
    assert named('name="Bayí.jpg"; filename="ñ"', "latin-1") == [("Bayí.jpg", "ñ", b"\x00\xff")]


@pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_parts_come_in_their_order_byte_for_byte_whatever_ends_a_line(end):
    heads = (b'Content-Disposition: form-data; name="a"', b'content-disposition: x; name="b"')
    raw = b"said before" + end + body(*heads, end=end) + b"said after"
    assert read(raw) == [("a", "", b"\x00\xff"), ("b", "", b"\x00\xff")]


@pytest.mark.parametrize(
    ("raw", "boundary"),
    [
        (body(b'Content-Disposition: form-data; name="a"', last=b""), "x"),
        (body(b"Content-Type: image/jpeg"), "x"),
        (body(b'Content-Disposition: form-data; name="a"'), "y"),
        (body(b'Content-Disposition: form-data; name="a"'), "é"),
        (b"no parts at all", "x"),
        (b"--x\r\nContent-Disposition: " + b"a" * (2 << 20), "x"),
        (b"a" * (2 << 20), "x"),
        (body(*[b'Content-Disposition: form-data; name="a"'] * (MOST_PARTS + 1)), "x"),
    ],
    ids=["cut", "nameless", "other", "letters", "none", "long head", "long start", "too many"],
)
def test_what_cannot_be_taken_apart_is_said_to_be_so(raw, boundary):
    with pytest.raises(NotMultipart):
        read(raw, boundary)


@pytest.mark.parametrize("more", range(-2, 3))
@pytest.mark.parametrize("last", [b"--", b"-- \t", b" \t   ", b""])
def test_no_byte_is_added_or_lost_wherever_a_piece_ends(more, last):
    head = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
    after = b"\r\n" if b"--" in last else head.removeprefix(b"--x") + b"\r\n--x--"
    for place in range(len(b"\r\n--x") + len(last) + 2):
        for odd in (b"\xff", b"\r", b"\n", b"\r\n", b"\r\n-", b"\r\n--"):
            file = (b"\xff" * ((1 << 16) - len(head) - place + more - len(odd))) + odd
            assert read(head + file + b"\r\n--x" + last + after)[0] == ("a", "", file)
