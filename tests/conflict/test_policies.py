"""What each policy shows of the writes that stand, and when it asks: merge.md, section 3."""

import pytest

from conflict.policy import LABEL, Policies, Policy
from conflict.standing import iso_date, number, reviews, shown_data, stand, valid_date
from conflict.types import RecordState, Write
from tests.conflict.village import declare, instant

POLICY_TEXTS = ["review", "last", "first", "max", "min", "union", "derived", "latest(tgl_ukur)"]


@pytest.mark.parametrize("text", POLICY_TEXTS)
def test_a_policy_reads_as_it_is_written(text):
    assert str(Policy.parse(f" {text} ")) == text


@pytest.mark.parametrize(
    "text", ["", "newest", "latest", "latest()", "latest(a, b)", "latest(a)b", "Review", "max()"]
)
def test_anything_else_is_no_policy(text):
    with pytest.raises(ValueError, match="no merge policy is called"):
        Policy.parse(text)


def test_the_option_of_a_union_has_its_policy_and_the_label_is_last():
    policies = declare(imunisasi="union", alamat="first")
    assert policies.of("imunisasi/bcg").kind == "union"
    assert policies.of("alamat/bcg").kind == "review"
    assert policies.of(LABEL).kind == "last"
    assert policies.of("unheard_of").kind == "review"


def wrote(cid, value, *, time="2026-10-02", received=None, on=None, resolve=False):
    """A standing write: its device's day, the day the first server had it, its observation date."""
    return Write(cid, value, instant(time), instant(received or "2026-11-01"), on, resolve)


def state_of(policies: Policies, name: str, writes) -> RecordState:
    standing = {name: stand(writes, policies.of(name))} if writes else {}
    return RecordState(version=len(writes), created=True, fields=standing)


A, B = wrote("A", "5"), wrote("B", "6", time="2026-10-09")
EARLY, LATE = {"received": "2026-10-10"}, {"received": "2026-10-20"}
JUNE, AUGUST, NEXT_YEAR = "2026-06-05", "2026-08-07", "2027-11-05"

TABLE = [
    # policy, standing writes, value shown, contenders of the review
    pytest.param("review", [A], "5", "", id="review-one"),
    pytest.param("review", [A, B], "6", "A B", id="review-greatest-time-is-shown-both-asked"),
    pytest.param("review", [B, A], "6", "A B", id="review-whatever-the-order"),
    pytest.param("review", [A, wrote("B", "5")], "5", "", id="review-two-who-agree"),
    pytest.param("review", [A, wrote("B", "05")], "05", "A B", id="review-5-and-05-differ"),
    pytest.param("review", [A, wrote("B", "")], "", "A B", id="review-value-and-blank"),
    pytest.param("review", [A, wrote("B", "6")], "6", "A B", id="review-same-time-by-change-id"),
    pytest.param("last", [A, B], "6", "", id="last-never-asks"),
    pytest.param("derived", [A, B], "6", "", id="derived-never-asks"),
    pytest.param(
        "first",
        [wrote("A", "5", **LATE), wrote("B", "6", **EARLY)],
        "6",
        "A B",
        id="first-by-the-servers-clock",
    ),
    pytest.param(
        "first",
        [wrote("A", "5", time="2015-01-01", **LATE), wrote("B", "6", **EARLY)],
        "6",
        "A B",
        id="first-a-clock-of-2015-wins-nothing",
    ),
    pytest.param(
        "first",
        [wrote("A", "", **EARLY), wrote("B", "6", **LATE)],
        "6",
        "A B",
        id="first-a-blank-is-not-the-first",
    ),
    pytest.param("first", [wrote("A", "")], "", "", id="first-only-a-blank"),
    pytest.param(
        "first",
        [wrote("A", "5", **EARLY), wrote("B", "6", **LATE, resolve=True)],
        "6",
        "A B",
        id="first-a-decision-stands-before-it",
    ),
    pytest.param("first", [A, wrote("B", "5")], "5", "", id="first-two-who-agree"),
    pytest.param("max", [wrote("A", "9.5"), wrote("B", "10.2")], "10.2", "", id="max-as-numbers"),
    pytest.param("min", [wrote("A", "9.5"), wrote("B", "10.2")], "9.5", "", id="min-as-numbers"),
    pytest.param("max", [wrote("A", "7"), wrote("B", "berat")], "7", "", id="max-no-number-loses"),
    pytest.param("min", [wrote("A", "7"), wrote("B", "")], "7", "", id="min-blank-loses"),
    pytest.param("min", [wrote("A", "-1"), wrote("B", "0")], "-1", "", id="min-negative"),
    pytest.param("max", [wrote("A", "9,5"), wrote("B", "x")], "x", "", id="max-only-text"),
    pytest.param("max", [wrote("A", "1e9"), wrote("B", "2")], "2", "", id="max-no-exponents"),
    pytest.param(
        "latest(tgl)",
        [wrote("A", "9.1", on=AUGUST), wrote("B", "8.7", on=JUNE)],
        "9.1",
        "",
        id="latest-the-newest-observation-whoever-typed-last",
    ),
    pytest.param(
        "latest(tgl)",
        [wrote("A", "9.1", on=AUGUST), wrote("B", "8.7", on=AUGUST)],
        "8.7",
        "A B",
        id="latest-two-values-of-one-day",
    ),
    pytest.param(
        "latest(tgl)",
        [wrote("A", "9.1", on=AUGUST), wrote("B", "9.10", on=AUGUST + "T08:00:00+07:00")],
        "9.10",
        "",
        id="latest-the-same-number-of-one-day",
    ),
    pytest.param(
        "latest(tgl)",
        [wrote("A", "9.1", on=AUGUST), wrote("B", "98", on=NEXT_YEAR)],
        "9.1",
        "A B",
        id="latest-a-day-of-next-year-never-wins",
    ),
    pytest.param(
        "latest(tgl)", [wrote("B", "98", on=NEXT_YEAR)], "", "B", id="latest-only-invalid"
    ),
    pytest.param("latest(tgl)", [wrote("A", "9", on=None)], "", "A", id="latest-no-date-at-all"),
    pytest.param("latest(tgl)", [wrote("A", "9", on="kemarin")], "", "A", id="latest-no-iso-date"),
    pytest.param("latest(tgl)", [wrote("A", "9", on=AUGUST)], "9", "", id="latest-one"),
    pytest.param(
        "latest(tgl)",
        [wrote("A", "8", on=JUNE), wrote("B", "9", on=AUGUST), wrote("C", "98", on=NEXT_YEAR)],
        "9",
        "B C",
        id="latest-the-invalid-one-and-the-one-shown",
    ),
    pytest.param(
        "latest(tgl)",
        [wrote("A", "8", on=AUGUST), wrote("B", "9", on=AUGUST), wrote("C", "98", on=NEXT_YEAR)],
        "9",
        "A B C",
        id="latest-a-day-in-question-and-an-invalid-one",
    ),
]


@pytest.mark.parametrize(("kind", "writes", "value", "contenders"), TABLE)
def test_what_stands_is_shown_and_asked_about(kind, writes, value, contenders):
    policies = declare(nilai=kind)
    state = state_of(policies, "nilai", writes)

    assert shown_data(state, policies)[1]["nilai"] == value
    asked = [review.contenders for review in reviews(state, policies)]
    assert asked == ([tuple(contenders.split())] if contenders else [])


@pytest.mark.parametrize(
    ("touches", "shown"),
    [
        pytest.param([("A", "1")], "bcg", id="ticked"),
        pytest.param([("A", "1"), ("B", "0")], "bcg", id="ticked-by-one-taken-out-by-another"),
        pytest.param([("A", "0"), ("B", "0")], "", id="every-standing-touch-took-it-out"),
    ],
)
def test_an_option_is_in_unless_every_standing_touch_took_it_out(touches, shown):
    policies = declare(imunisasi="union")
    writes = [wrote(cid, value) for cid, value in touches]
    state = state_of(policies, "imunisasi/bcg", writes)

    assert shown_data(state, policies) == ("", {"imunisasi": shown})
    assert not reviews(state, policies)


def test_the_date_property_shows_the_newest_date_among_the_values_shown():
    policies = declare(bb="latest(tgl)", tb="latest(tgl)", lila="latest(tgl_lila)")
    fields = {
        "bb": stand(
            [wrote("A", "9", on=AUGUST), wrote("X", "98", on=NEXT_YEAR)], policies.of("bb")
        ),
        "tb": stand([wrote("B", "80", on=JUNE)], policies.of("tb")),
    }
    state = RecordState(version=2, created=True, fields=fields)

    assert shown_data(state, policies)[1] == {"bb": "9", "tb": "80", "tgl": AUGUST}


def test_a_question_about_a_property_that_an_access_filter_uses_is_a_move():
    policies = Policies(filters=frozenset({"posyandu"}))
    state = state_of(policies, "posyandu", [wrote("A", "melati"), wrote("B", "mawar")])
    (review,) = reviews(state, policies)
    assert (review.kind, review.field, review.shown) == ("move", "posyandu", "B")


def test_a_date_property_that_once_was_a_plain_one_asks_nothing():
    policies = declare(bb="latest(tgl)")
    state = state_of(policies, "tgl", [wrote("A", JUNE), wrote("B", AUGUST)])
    assert not reviews(state, policies)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("2026-11-21", True),
        ("2026-11-22", True),  # already tomorrow in Papua
        ("2026-11-23", False),
        ("2026-11-21T23:59:00+07:00", True),
        ("2026-02-30", False),
        ("2026-W10-1", False),
        ("21-11-2026", False),
        ("20261121", False),
        ("20261121T0", False),
        ("", False),
        (None, False),
    ],
)
def test_a_date_is_valid_up_to_the_day_after_its_receipt(text, valid):
    assert (valid_date(text, "2026-11-21T03:00:00.000Z") is not None) is valid
    assert valid_date(text, "2026-11-20T23:59:59.999Z") == (
        iso_date(text) if valid and text != "2026-11-22" else None
    )


@pytest.mark.parametrize("text", ["", " 9", "9,1", "1e3", "NaN", "inf", "9.", ".5", "٩", "9 kg"])
def test_text_that_is_no_plain_decimal_is_no_number(text):
    assert number(text) is None
