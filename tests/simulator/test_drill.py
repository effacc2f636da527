"""A small fleet against servers of this process: the promises hold, and each check can fail."""

import copy
from dataclasses import replace
from functools import partial

import pytest

from sync_server.simulator import promises
from sync_server.simulator.book import Post, Typed
from sync_server.simulator.options import Options
from sync_server.simulator.plan import subject_of
from sync_server.simulator.running import Where, run
from sync_server.simulator.table import as_data, lines
from tests.simulator.house import InHouse, small_pack

pytestmark = pytest.mark.scenario

SMALL = Options(seed=20, phones=4, hubs=1, programs=1, weeks=2, loss=0.15, kills=1, lanes=4)


@pytest.fixture(scope="module")
def done(sqlite_template, tmp_path_factory):
    """One run, for all tests of this file: they look at it and alter copies."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "bin").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder / "bin"))  # no JVM: another test asks ODK Validate
        return run(
            SMALL,
            small_pack(),
            Where(),
            folder,
            installs=lambda name: InHouse(folder / name, sqlite_template),
        )


def judged(done, *, book=None, seen=None):
    return promises.judge(book or done.drill.book, seen or done.seen, subject_of(small_pack()))


def test_all_six_hold(done):
    assert [one.broken for one in done.verdicts] == [()] * 6


def test_the_run_was_worth_it(done):
    """Every kind of work was done and every kind of trouble met, so that the six say something."""
    checked = {one.number: one.checked for one in done.verdicts}
    assert checked[1]["forms"] > 10
    assert checked[1]["changes"] >= 2
    assert checked[2]["current"] > 0
    assert checked[2]["superseded"] > 0
    assert checked[2].get("contender", 0) + checked[2].get("settled", 0) > 0
    assert checked[3]["servers beside the centre"] == 2
    assert checked[3]["copies of pullers"] == 2
    assert checked[5]["answered 304"] > 0
    assert {"requests lost", "answers lost", "requests sent twice"} <= {*done.drill.book.troubles}
    assert done.drill.kills == 1


def a_form(done):
    """The instanceID of a form about a record that was there before."""
    return next(
        key for key, one in done.drill.book.typed.items() if one.shown and key[:5] == "uuid:"
    )


def book_with(done, name, changes):
    """The book with some of it another."""
    book = copy.copy(done.drill.book)
    setattr(book, name, {**getattr(book, name), **changes})
    return book


def a_form_made_up(done):
    return {"book": book_with(done, "acknowledged", {"uuid:made-up": "phone 1"})}


def a_change_made_up(done):
    return {"book": book_with(done, "acknowledged", {"made-up": "program-0"})}


def a_byte_altered(done):
    key = a_form(done)
    return {"seen": replace(done.seen, forms={**done.seen.forms, key: b"<data/>"})}


def a_kept_form_altered(done):
    key = a_form(done)
    return {"seen": replace(done.seen, kept={**done.seen.kept, key: b'{"xml": "<data/>"}'})}


def a_file_cut(done):
    return {"book": book_with(done, "files", {"0" * 64: 12})}


def a_value_hidden(done):
    key = a_form(done)
    histories = copy.deepcopy(dict(done.seen.histories))
    for change in histories[done.drill.book.typed[key].entity]["changes"]:
        if change["instanceId"] == key:
            change["fields"].pop()
    return {"seen": replace(done.seen, histories=histories)}


def a_value_altered(done):
    key = a_form(done)
    one = done.drill.book.typed[key]
    typed = replace(one, values={**one.values, "rt": "another than was typed"})
    return {"book": book_with(done, "typed", {key: typed})}


def a_value_replaced_unseen(done):
    """Some write took the place of a value; its author's screen, it turns out, showed another."""
    told = {
        change["instanceId"] or change["changeId"]: change
        for history in done.seen.histories.values()
        for change in history["changes"]
    }
    for key, one in done.drill.book.typed.items():
        fields = {field["name"]: field for field in told[key]["fields"]}
        if one.shown and fields.get("nama", {}).get("replaces"):
            typed = Typed(key, one.entity, one.values, {**one.shown, "nama": "quite another"})
            return {"book": book_with(done, "typed", {key: typed})}
    raise AssertionError("no name was replaced")


def a_decision_forgotten(done):
    entity = next(iter(done.seen.histories))
    return {"book": book_with(done, "decided", {"a note": (entity, "nama")})}


def a_server_that_differs(done):
    last = done.seen.others[-1]
    entity, record = next(iter(last.records.items()))
    records = {**last.records, entity: {**record, "version": record["version"] + 1}}
    return {"seen": replace(done.seen, others=[replace(last, records=records)])}


def a_review_that_differs(done):
    last = done.seen.others[-1]
    other = replace(last, reviews={**last.reviews, "a review": frozenset({"x"})})
    return {"seen": replace(done.seen, others=[other])}


def a_copy_that_missed_one(done):
    kept, fresh = done.seen.copies["watcher"]
    entity = next(iter(fresh))
    missed = {key: one for key, one in kept.items() if key != entity}
    return {"seen": replace(done.seen, copies={"watcher": (missed, fresh)})}


def a_form_refused(done):
    book = copy.copy(done.drill.book)
    book.posts = [*book.posts, Post(409, 0.1, "a form")]
    return {"book": book}


def a_form_still_on_its_phone(done):
    return {"book": book_with(done, "typed", {"uuid:x": Typed("uuid:x", "e", {}, None)})}


def polls_with(done, **found):
    book = copy.copy(done.drill.book)
    book.polls = replace(book.polls, **found)
    return {"book": book}


def a_row_still_on_a_phone(done):
    phone, (village, held) = next(iter(done.drill.book.held.items()))
    return {"book": book_with(done, "held", {phone: (village, held | {"moved-away"})})}


def a_row_not_on_its_phone(done):
    phone, (village, held) = next(
        one for one in done.drill.book.held.items() if one[1][1] - done.seen.centre.moving
    )
    kept = held & done.seen.centre.moving
    return {"book": book_with(done, "held", {phone: (village, kept)})}


def a_board_without_certainty(done):
    board = copy.deepcopy(done.seen.board)
    board["devices"][0]["lastContact"] = {"value": "2026-11-21T03:00:00.000Z"}
    return {"seen": replace(done.seen, board=board)}


def a_hub_never_heard(done):
    hubs = copy.deepcopy(done.seen.hubs)
    hubs["hubs"][0]["lastSeenAt"] = None
    return {"seen": replace(done.seen, hubs=hubs)}


LIES = [
    (a_form_made_up, 1, "form uuid:made-up of phone 1 is nowhere"),
    (a_change_made_up, 1, "change made-up of program-0 is nowhere"),
    (a_byte_altered, 1, "is with other bytes"),
    (a_kept_form_altered, 1, "is in quarantine with other bytes"),
    (a_file_cut, 1, "is not whole"),
    (a_value_hidden, 2, "has no fate"),
    (a_value_altered, 2, "has no fate"),
    (a_value_replaced_unseen, 2, "took the place of a value unseen"),
    (a_decision_forgotten, 2, "a decision of nama is not in the history"),
    (a_server_that_differs, 3, "differs in version"),
    (a_review_that_differs, 3, "a review has other contenders"),
    (a_copy_that_missed_one, 3, "is another than in a snapshot"),
    (a_form_refused, 4, "a form was answered 409"),
    (a_form_still_on_its_phone, 4, "was never acknowledged"),
    (partial(polls_with, foreign=["r"]), 5, "record r went to a phone of another village"),
    (partial(polls_with, kept_off=["nik"]), 5, "a phone was given the column nik"),
    (partial(polls_with, needless=["anak"]), 5, "anak came anew without news"),
    (a_row_still_on_a_phone, 5, "record moved-away is still on phone"),
    (a_row_not_on_its_phone, 5, "is not on phone"),
    (a_board_without_certainty, 6, "does not say how sure it is"),
    (a_hub_never_heard, 6, "has never been heard of"),
]


@pytest.mark.parametrize(("lie", "number", "text"), LIES, ids=[text for *_, text in LIES])
def test_each_check_can_fail(done, lie, number, text):
    verdict = judged(done, **lie(done))[number - 1]
    assert verdict.number == number
    assert not verdict.held
    assert any(text in one for one in verdict.broken), verdict.broken[:3]


def test_the_table_names_seed_promise_and_the_first_example_without_a_name(done):
    verdicts = judged(done, **a_server_that_differs(done))
    shown = "\n".join(lines(done.drill, verdicts))
    assert shown.startswith("seed 20: 4 phones in 2 villages, 1 hubs, 1 programs, 2 weeks")
    assert "3  BROKEN  arrival order does not matter" in shown
    assert "! a second server, in another order: record " in shown
    plain = as_data(done.drill, verdicts)
    assert [one["held"] for one in plain["promises"]] == [True, True, False, True, True, True]
    assert not plain["held"]
    assert plain["figures"]["submissions"] == len(done.drill.book.forms)
