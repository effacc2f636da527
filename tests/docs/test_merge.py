"""Every drawing of docs/merge.md, played on the engine; and that a wrong drawing is found out."""

from pathlib import Path

import pytest

from tests.docs.drawings import Drawing, DrawingError, drawings_of, read
from tests.docs.playing import play

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "merge.md"
DRAWINGS = drawings_of(PAGE, ROOT)


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda d: d.place.replace("docs/", ""))
def test_a_drawing_is_what_the_engine_does(drawing):
    assert play(drawing) >= 1


def test_the_page_draws_and_fences_nothing_else():
    fences = [line for line in PAGE.read_text().splitlines() if line.startswith("```")]
    assert len(DRAWINGS) >= 8
    assert fences == ["```history", "```"] * len(DRAWINGS)


def drawn(text: str) -> Drawing:
    lines = text.strip("\n").splitlines()
    return read([*enumerate(lines, start=1)])


TWO = """
policy         RT review
Siti           RT 05
├── Ani        RT 06 (2 Oct)
└── Budi       RT 07 (3 Oct)
shows          RT 07
asks           RT 06 or 07
"""


def test_a_drawing_is_played_in_every_order_and_by_every_route():
    assert play(drawn(TWO)) == 2 * 4


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("shows          RT 07", "shows          RT 06", "line 5: drawn .* found is 'RT 07'"),
        ("RT 06 or 07", "nothing", "line 6: drawn is .*nothing'.* 'RT 06 or 07' at the centre"),
        ("asks", "history        Ani current\nasks", "found is 'Ani is contender'"),
        ("asks", "waits          Ani\nasks", r"found is '\[\]'"),
        ("asks", "status         deleted\nasks", "found is 'active'"),
    ],
)
def test_a_drawing_whose_answer_is_wrong_says_where_and_what_is_right(right, wrong, says):
    with pytest.raises(AssertionError, match=says):
        play(drawn(TWO.replace(right, wrong)))


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("├── Ani ", "├─ Ani  ", "neither a line of the tree nor a step"),
        ("├── Ani ", "└── Ani ", "leads astray"),
        ("├── Ani ", "│   └── Ani ", "hangs from nothing"),
        ("└── Budi", "└── Ani 1", "this name is taken"),
        ("RT review", "NIK first", "policies"),
        ("RT 06 (2 Oct)", "RT 06 (2 October)", "is no day"),
        ("RT 06 (2 Oct)", "RT (2 Oct)", "names no field with a value"),
        ("RT 06 (2 Oct)", "RT 06 (2 Oct), RT 6", "one date, at its end"),
        ("shows ", "reads ", "neither a line of the tree nor a step"),
        ("asks ", "begs ", "says nothing known"),
        ("asks           RT 06 or 07", "", "what is shown and what is asked"),
    ],
)
def test_a_drawing_that_cannot_be_read_says_so(right, wrong, says):
    with pytest.raises(DrawingError, match=says):
        drawn(TWO.replace(right, wrong))


def test_a_drawing_of_what_cannot_happen_is_refused():
    """Nobody is shown Ani's form without Budi's and Budi's without Ani's on one server."""
    two_lists = TWO.replace(
        "└── Budi       RT 07 (3 Oct)",
        "│   └── Citra  RT 08 (4 Oct)\n└── Budi       RT 07 (3 Oct)\n    └── Dewi   RT 09 (5 Oct)",
    )
    with pytest.raises(DrawingError, match="in no order"):
        play(drawn(two_lists))


def test_a_block_without_an_end_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```history\nSiti  RT 05\n")
    with pytest.raises(DrawingError, match="has no end"):
        drawings_of(page, tmp_path)
