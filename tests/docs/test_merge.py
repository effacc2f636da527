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
    """No server shows a list with Ani's form alone, and later one with Citra's alone."""
    two_lists = """
policy              RT review
Siti                RT 05
├── Ani             RT 06
│   └── Budi        RT 07 (3 Oct)
└── Citra           RT 08
    └── Dewi        RT 09 (4 Oct)
shows               RT 09
asks                RT 07 or 09
"""
    assert play(drawn(two_lists)) > 1  # the one list is the hub's, the other the centre's
    with pytest.raises(DrawingError, match="in no order"):
        play(drawn(two_lists + "hub and centre meet"))  # the hub is sent nothing here


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("└── Ani 2     RT 06", "not the form of that number"),
        ("├── Ani 1     RT 06\n└── Ani 2, instead of Ani 1   NIK 3201", "not the form it mends"),
        ("└── Ani 1, instead of Ani 7   RT 06", "the tree has no 'Ani 7'"),
    ],
)
def test_a_form_that_nobody_could_fill_in_is_refused(lines, says):
    policies = "RT review, NIK first" if "NIK" in lines else "RT review"
    whole = f"policy   {policies}\nSiti     RT 05\n{lines}\nshows   RT 06\nasks    nothing"
    with pytest.raises(DrawingError, match=says):
        play(drawn(whole))


def test_a_block_without_an_end_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```history\nSiti  RT 05\n")
    with pytest.raises(DrawingError, match="has no end"):
        drawings_of(page, tmp_path)
