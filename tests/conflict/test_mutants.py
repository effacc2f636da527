"""The mutation gate: each seeded bug is killed by the law that is named with it."""

import pytest

from conflict.fold import fold
from tests.conflict.gate import Mutant, NoLongerApplies, bug, killed_by, named, sown
from tests.conflict.mutants import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_law_named_with_a_bug_kills_it(mutant: Mutant):
    laws = named(mutant.law)
    assert laws, f"no test is called {mutant.law}"
    assert killed_by(mutant, laws) is not None, mutant.wrong


def test_most_bugs_fall_to_a_law_over_random_stories():
    assert sum(all(one.is_law for one in named(mutant.law)) for mutant in MUTANTS) >= 12


def test_no_bug_outlives_its_turn():
    sound = fold.__code__
    with sown(
        bug("none", "The fold says nothing.", "L2", "conflict.fold:fold", "Edits(", "print(")
    ):
        assert fold.__code__ is not sound
    assert fold.__code__ is sound


@pytest.mark.parametrize("old", ["a text that is not there", "one.change.change_id"])
def test_a_bug_whose_text_is_not_there_once_no_longer_applies(old):
    mutant = bug("stale", "The source has moved on.", "L2", "conflict.fold:fold", old, "")
    with pytest.raises(NoLongerApplies), sown(mutant):
        pass
