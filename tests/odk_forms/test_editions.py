"""Which of several edits of one submission counts: by what is here, not by how it came."""

from itertools import permutations

import pytest

from odk_forms.editions import Edit, Editions, Family


def edit(name: str, of: str, at: int, *, deleted: bool = False) -> Edit:
    return Edit(name, of, f"2026-11-21T03:00:{at:02}.000Z", deleted)


HISTORIES = {
    "one edit": ([edit("b", "a", 1)], Family("a", "b", 1)),
    "an edit of an edit, the clock of its server set back": (
        [edit("b", "a", 5), edit("c", "b", 1)],
        Family("a", "c", 2),
    ),
    "two edits of one: the last to come": (
        [edit("b", "a", 5), edit("c", "a", 1)],
        Family("a", "b", 2),
    ),
    "two that came at once: the same one everywhere": (
        [edit("b", "a", 1), edit("c", "a", 1)],
        Family("a", "c", 2),
    ),
    "the last was deleted": (
        [edit("b", "a", 1), edit("c", "b", 2, deleted=True)],
        Family("a", "b", 1),
    ),
    "one in the middle was deleted": (
        [edit("b", "a", 1, deleted=True), edit("c", "b", 2)],
        Family("a", "c", 1),
    ),
    "every edit was deleted": ([edit("b", "a", 1, deleted=True)], Family("a", "a", 0)),
    "a ring": ([edit("a", "b", 1), edit("b", "a", 2)], Family("a", "b", 2)),
    "a ring with a tail": (
        [edit("y", "z", 1), edit("z", "y", 2), edit("a", "y", 3)],
        Family("y", "a", 3),
    ),
}


@pytest.mark.parametrize(("edits", "family"), HISTORIES.values(), ids=HISTORIES.keys())
def test_the_family_is_of_the_set_of_its_edits(edits, family):
    for order in permutations(edits):
        editions = Editions(order)
        names = {one.instance_id for one in edits if not one.deleted} | {family.first}
        assert {editions.family(name) for name in names} == {family}


def test_an_edit_of_itself_is_none():
    assert Editions([edit("a", "a", 1)]).family("a") == Family("a", "a", 0)


def test_what_was_never_edited_stands_alone():
    assert Editions([edit("b", "a", 1)]).family("x") == Family("x", "x", 0)


def test_a_long_line_of_edits_is_walked_once():
    line = [edit(f"n{number + 1:05}", f"n{number:05}", 1) for number in range(20_000)]
    assert Editions(line).family("n00007") == Family("n00000", "n20000", 20_000)
