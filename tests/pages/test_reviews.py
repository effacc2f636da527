"""A question is seen whole, decided by one click, and the decision can be taken back."""

import pytest

from conflict.types import Change, Op
from sync_server.intake.arrival import Author, SentChange
from sync_server.intake.ingest import ingest
from tests.pages.conftest import CHILD
from tests.pages.visitor import at, supervisor, text_of


@pytest.fixture
def review(village, disputed):
    return village.reviews(CHILD)[0]


@pytest.fixture
def path(village, review) -> str:
    return at(village, f"reviews/{review.review_id}")


def value_of(village, change_id: str) -> str:
    return next(c.data["bb"] for c in village.changes(CHILD) if c.change_id == change_id)


def chosen(village, review, value: str) -> str:
    return next(c for c in review.contenders if value_of(village, c) == value)


def delete(village, child: str) -> None:
    """The bidan deletes a record."""
    change = Change(change_id=village.clock.new_id(), list_name="anak", entity=child, op=Op.DELETE)
    author = Author(village.admin, may_decide=True)
    with village.app.app_context():
        ingest(village.project, [SentChange(change)], author=author, clock=village.clock)


def test_the_queue_names_child_field_and_values(village, admin, review):
    page = admin.see(at(village, "reviews"))
    assert "Siti" in page
    assert "8.1 / 9.0" in page
    assert "1 pertanyaan" in page


def test_a_question_shows_who_said_what_when_and_what_was_before(village, euis, admin):
    euis.sync()
    euis.send(euis.measure(CHILD, bb="7.0", tgl="2026-11-19"))
    neneng = village.phone("Neneng")
    euis.sync()
    neneng.sync()
    euis.send(euis.measure(CHILD, bb="8.1", tgl="2026-11-20"))
    neneng.send(neneng.measure(CHILD, bb="9.0", tgl="2026-11-20"))
    review = village.reviews(CHILD)[0]
    page = admin.see(at(village, f"reviews/{review.review_id}"))
    for text in (
        "bb: mana yang benar?",
        "Sebelumnya: 7.0",
        "Euis",
        "Neneng",
        "ukur",
        "Tanggal ukur 20 Nov 2026",
        "collect:Neneng",
        "Pilih 8.1",
        "Pilih 9.0",
    ):
        assert text in page, text


def test_one_click_decides_and_the_decision_is_a_change(village, admin, review, path):
    admin.get(path)
    answer = admin.post(
        f"{path}/choose",
        contenders=review.contenders,
        choose=chosen(village, review, "8.1"),
    )
    assert answer.status_code == 303
    assert village.shown(CHILD)["bb"] == "8.1"
    assert not village.reviews(CHILD)
    assert [c.op for c in village.changes(CHILD)].count("resolve") == 1
    page = admin.see(path)
    assert "Diputuskan: bb adalah 8.1" in page
    assert "Batalkan keputusan" in page
    assert "Diputuskan" in admin.see(at(village, f"records/{CHILD}"))
    assert "Siti" in admin.see(at(village, "reviews?state=closed"))
    assert "Tidak ada yang perlu dicek" in admin.see(at(village, "reviews"))


def test_a_decision_is_taken_back(village, admin, review, path):
    before = village.shown(CHILD)
    fields = {"contenders": review.contenders, "choose": chosen(village, review, "8.1")}
    admin.post(f"{path}/choose", **fields)
    assert admin.post(f"{path}/reopen").status_code == 303
    assert village.shown(CHILD) == before
    page = admin.see(path)
    assert "Pilih 8.1" in page
    assert admin.post(f"{path}/reopen").status_code == 409


def test_another_value_needs_a_note_that_stays(village, admin, review, path):
    fields = {"contenders": review.contenders, "value": "8.4"}
    assert admin.post(f"{path}/choose", **fields).status_code == 400
    assert len(village.reviews(CHILD)) == 1
    assert admin.post(f"{path}/choose", note="Ditimbang <ulang>", **fields).status_code == 303
    assert village.shown(CHILD)["bb"] == "8.4"
    for page in (path, at(village, f"records/{CHILD}")):
        assert "Ditimbang <ulang>" in text_of(admin.get(page))


def test_who_decides_on_what_has_moved_is_shown_it_again(village, admin, review, path):
    cucu = village.phone("Cucu")
    third = cucu.register(CHILD, "Siti", bb="8.8", tgl="2026-11-20", posyandu="melati")
    cucu.send(third)
    answer = admin.post(
        f"{path}/choose", contenders=review.contenders, choose=chosen(village, review, "8.1")
    )
    assert answer.status_code == 409
    page = text_of(answer)
    assert "mohon dilihat sekali lagi" in page
    for value in ("8.1", "9.0", "8.8"):
        assert f"Pilih {value}" in page
    assert not [c for c in village.changes(CHILD) if c.op == "resolve"]


def test_pressing_twice_decides_once(village, admin, review, path):
    fields = {"contenders": review.contenders, "choose": chosen(village, review, "8.1")}
    assert admin.post(f"{path}/choose", **fields).status_code == 303
    assert admin.post(f"{path}/choose", **fields).status_code == 409
    assert [c.op for c in village.changes(CHILD)].count("resolve") == 1


@pytest.mark.parametrize("choice", [{"choose": "nobody's"}, {"status": "deleted"}])
def test_a_choice_that_is_none_is_refused(village, admin, review, path, choice):
    answer = admin.post(f"{path}/choose", contenders=review.contenders, **choice)
    assert answer.status_code == 400
    assert len(village.reviews(CHILD)) == 1


def test_a_supervisor_of_the_area_decides(village, review, path):
    bidan = supervisor(village, posyandu="melati")
    bidan.get(path)
    fields = {"contenders": review.contenders, "choose": chosen(village, review, "9.0")}
    assert bidan.post(f"{path}/choose", **fields).status_code == 303
    assert village.shown(CHILD)["bb"] == "9.0"
    assert "Bidan Ani" in bidan.see(path)


def test_an_impossible_date_is_named(village, euis, admin):
    euis.sync()
    euis.send(euis.measure(CHILD, bb="98", tgl="2027-11-05"))
    review = village.reviews(CHILD)[0]
    page = admin.see(at(village, f"reviews/{review.review_id}"))
    assert "5 Nov 2027 tanggal ini tidak mungkin" in page


def test_a_delete_that_another_had_not_seen_is_asked_about(village, euis, admin):
    delete(village, CHILD)
    cucu = village.phone("Cucu")
    cucu.send(cucu.register(CHILD, "Siti", bb="8.8", tgl="2026-11-20", posyandu="melati"))
    review = next(r for r in village.reviews(CHILD) if r.kind == "delete")
    path = at(village, f"reviews/{review.review_id}")
    page = admin.see(path)
    assert "Mana yang benar?" in page
    assert "8.8" in page
    answer = admin.post(f"{path}/choose", contenders=review.contenders, status="active")
    assert answer.status_code == 303
    assert village.record(CHILD).status == "active"
    assert "Diputuskan: tetap ada" in admin.see(path)
    assert admin.post(f"{path}/reopen").status_code == 303
    again = next(r for r in village.reviews(CHILD) if r.kind == "delete")
    assert (
        admin.post(f"{path}/choose", contenders=again.contenders, status="deleted").status_code
        == 303
    )
    assert village.record(CHILD).status == "deleted"
