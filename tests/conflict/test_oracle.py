"""Production against an oracle that knows what every screen showed, at every step of a story."""

from hypothesis import given

from tests.conflict.checks import disagreements
from tests.conflict.stories import Story, stories
from tests.conflict.test_laws import quick


@quick
@given(stories)
def test_l3_l5_l6_l9_every_step_of_a_story_stands_as_the_oracle_says(story):
    told = Story(*story[:2])
    for event in (*story[2], ("finish",)):
        told.play([event])
        assert disagreements(told) == []
