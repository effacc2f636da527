"""How a form and its files are spread over bodies."""

from datetime import UTC, datetime

import pytest

from sync_server.fleet.sending import Filled, chunks
from sync_server.fleet.wire import Part, multipart


def form(*sizes):
    files = {f"f{n}.jpg": b"x" * size for n, size in enumerate(sizes)}
    at = datetime(2026, 11, 21, tzinfo=UTC)
    return Filled("visit", "uuid:1", None, b"<d/>", "Kunjungan.xml", at, files)


def shapes(sent):
    return [[part.name for part in parts] for parts in sent]


@pytest.mark.parametrize(
    ("sizes", "bodies"),
    [
        ((), [["xml_submission_file"]]),
        ((500,), [["xml_submission_file", "f0.jpg"]]),  # the first file is never split off
        ((40, 40), [["xml_submission_file", "f0.jpg", "f1.jpg"]]),
        (
            (60, 60, 30),
            [
                ["xml_submission_file", "f0.jpg", "*isIncomplete*"],
                ["xml_submission_file", "f1.jpg", "f2.jpg"],
            ],
        ),
    ],
)
def test_a_body_ends_before_the_file_that_would_make_it_too_large(sizes, bodies):
    assert shapes(chunks(form(*sizes), 100)) == bodies


def test_a_body_has_at_most_a_hundred_and_one_files():
    first, second = shapes(chunks(form(*[1] * 150), 10_000))

    assert len(first) == 1 + 101 + 1
    assert len(second) == 1 + 49


def test_names_go_out_raw_but_for_quotes():
    body = multipart([Part('a"b.jpg', 'a"b.jpg', "image/jpeg", b"1"), Part("ñ", None, None, b"2")])

    assert b'name="a%22b.jpg"; filename="a%22b.jpg"\r\nContent-Type: image/jpeg\r\n' in body
    assert 'form-data; name="ñ"\r\n'.encode() in body
