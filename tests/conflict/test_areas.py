"""Who may see which records, by the values that an access filter compares: ADR 0010."""

import pytest

from conflict.areas import (
    EVERYBODY,
    UNBOUND,
    Rule,
    area_of,
    is_placed,
    may_write,
    rules_of,
    scope_of,
    scopes_of_actor,
    scopes_of_record,
)
from conflict.standing import stand
from conflict.types import RecordState, Review, Seen, Standing, View, Write
from tests.conflict.village import POLICIES, instant

POSYANDU, RT = Rule("posyandu", "posyandu"), Rule("rt", "wilayah_rt")
MOVE = Review("move", "posyandu", ("w0", "w1"))


def record(**values):
    """A record whose properties stand with these values, several where a list is given."""
    fields = {}
    for name, value in values.items():
        texts = [value] if isinstance(value, str) else value
        writes = [
            Write(f"w{place}", text, instant("2026-11-01", place), instant("2026-11-01"))
            for place, text in enumerate(texts)
        ]
        fields[name] = stand(writes, POLICIES.of(name))
    return RecordState(version=1, created=True, fields=fields)


def test_the_rules_of_a_stored_filter_keep_their_order():
    stored = {"rules": [{"datasetProperty": "rt", "actorProperty": "wilayah_rt"}]}
    assert (rules_of(stored), rules_of(None), rules_of({})) == ((RT,), (), ())


@pytest.mark.parametrize(
    ("rules", "properties", "scopes"),
    [
        pytest.param([], {"posyandu": "melati"}, [EVERYBODY], id="a-list-without-a-filter"),
        pytest.param([POSYANDU], {"posyandu": "melati"}, ["@7", '["melati"]'], id="one-value"),
        pytest.param(
            [POSYANDU],
            {"posyandu": ["melati", "mawar"]},
            ["@7", '["mawar"]', '["melati"]'],
            id="any-of-several",
        ),
        pytest.param([POSYANDU], {"posyandu": ""}, ["@7"], id="blank-is-not-borne"),
        pytest.param(
            [POSYANDU, RT],
            {"posyandu": ["melati", "mawar"], "wilayah_rt": "5"},
            ["@7", '["mawar","5"]', '["melati","5"]'],
            id="all-rules-hold",
        ),
        pytest.param([POSYANDU, RT], {"posyandu": "melati"}, ["@7"], id="one-rule-is-not-borne"),
    ],
)
def test_an_actor_sees_every_scope_it_bears_and_its_own(rules, properties, scopes):
    assert scopes_of_actor(rules, area_of(7, properties)) == sorted(scopes)


@pytest.mark.parametrize(
    ("rules", "state", "moves", "scopes"),
    [
        pytest.param([], record(), [], {EVERYBODY}, id="a-list-without-a-filter"),
        pytest.param([POSYANDU], record(posyandu="melati"), [], {'["melati"]'}, id="placed"),
        pytest.param([POSYANDU], record(posyandu=""), [], {"@3", "@4"}, id="blank"),
        pytest.param([POSYANDU], record(), [], {"@3", "@4"}, id="never-said"),
        pytest.param(
            [POSYANDU],
            record(posyandu=["melati", "mawar"]),
            [MOVE],
            {'["melati"]', '["mawar"]'},
            id="a-move-in-question-is-in-both",
        ),
        pytest.param(
            [POSYANDU],
            record(posyandu=["melati", "mawar"]),
            [Review("field", "posyandu", ("w0", "w1"))],
            {'["mawar"]'},
            id="another-question-moves-nothing",
        ),
        pytest.param(
            [POSYANDU], record(posyandu=["", "mawar"]), [MOVE], {'["mawar"]'}, id="out-of-nowhere"
        ),
        pytest.param(
            [POSYANDU],
            RecordState(fields={"posyandu": Standing()}),
            [],
            {"@3", "@4"},
            id="nothing-shown",
        ),
        pytest.param(
            [POSYANDU, RT], record(posyandu="melati"), [], {"@3", "@4"}, id="one-rule-is-blank"
        ),
    ],
)
def test_a_record_is_where_its_values_say_or_with_who_wrote_it(rules, state, moves, scopes):
    assert scopes_of_record(rules, state, moves, [3, 4]) == scopes


def test_a_record_is_placed_when_every_rule_finds_a_value():
    assert is_placed([POSYANDU], record(posyandu="melati"))
    assert not is_placed([POSYANDU, RT], record(posyandu="melati"))


@pytest.mark.parametrize(
    ("shown", "scopes", "allowed"),
    [
        pytest.param("melati", (), True, id="in-its-area"),
        pytest.param("mawar", (), False, id="in-another"),
        pytest.param("mawar", ['["melati"]'], False, id="what-counts-is-what-was-shown"),
        pytest.param("", (), True, id="not-known-here"),
        pytest.param("", ["@7"], True, id="its-own-without-a-place"),
        pytest.param("", ["@3"], False, id="anothers-without-a-place"),
    ],
)
def test_a_device_writes_what_it_was_shown_in_its_area(shown, scopes, allowed):
    view = View({"posyandu": Seen(shown)}) if shown else View()
    assert may_write([POSYANDU], area_of(7, {"posyandu": "melati"}), view, scopes) is allowed
    assert may_write([POSYANDU], UNBOUND, view, scopes)


def test_a_scope_is_told_as_it_is_written():
    assert scope_of(["Melati é", "5"]) == '["Melati é","5"]'
