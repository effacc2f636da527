"""The queue of questions: what a supervisor needs to decide, one decision, and its undoing."""

import uuid

import pytest

from tests.support.promises import promise

SITI = str(uuid.UUID(int=7))


@pytest.fixture
def asked(village, phones):
    """Two phones that corrected one name from the same version; the question's id."""
    a, b = phones
    a.sync()
    a.send(a.register(SITI, nama="Siti", posyandu="melati"))
    village.pass_time()
    for phone in phones:
        phone.sync()
    a.send(a.measure(SITI, nama="Siti A"))
    village.pass_time()
    b.send(b.measure(SITI, nama="Siti B"))
    return str(uuid.uuid5(uuid.UUID(SITI), "field\nnama"))


@promise("P78", "P79", "P80")
def test_the_queue_shows_both_values_their_base_and_who_wrote_them(admin, sync, asked, phones):
    answer = admin.done("GET", f"{sync}/reviews")
    (review,) = answer["reviews"]
    assert (answer["more"], answer["cursor"]) == (False, None)
    assert (
        review.items()
        >= {
            "id": asked,
            "list": "anak",
            "entity": SITI,
            "label": "Siti",
            "kind": "field",
            "field": "nama",
            "base": "Siti",
            "state": "open",
        }.items()
    )
    first, second = review["contenders"]
    assert [first["value"], second["value"]] == ["Siti A", "Siti B"]
    assert review["shown"] == second["changeId"]
    assert first["author"] == {
        "deviceId": "collect:a",
        "appUserId": phones[0].actor_id,
        "name": "a",
    }
    assert first["formId"] == "ukur"
    assert first["receivedAt"] < second["receivedAt"]
    assert admin.done("GET", f"{sync}/reviews/{asked}") == review


def contenders(admin, sync, asked) -> dict[str, str]:
    review = admin.done("GET", f"{sync}/reviews/{asked}")
    return {one["value"]: one["changeId"] for one in review["contenders"]}


@promise("P78", "P81", "P83", "P84")
def test_one_contender_is_chosen_and_the_choice_is_undone(admin, sync, asked, village):
    village.pass_time()
    shown = contenders(admin, sync, asked)
    sent = {"contenders": list(shown.values()), "choose": shown["Siti A"], "note": "KK dilihat"}
    record = admin.done("POST", f"{sync}/reviews/{asked}/resolve", sent)
    assert record.items() >= {"entity": SITI, "list": "anak", "reviews": 0, "version": 4}.items()
    assert record["data"]["nama"] == "Siti A"
    assert admin.done("GET", f"{sync}/reviews")["reviews"] == []
    (closed,) = admin.done("GET", f"{sync}/reviews?state=closed")["reviews"]
    assert (closed["id"], closed["state"]) == (asked, "closed")
    history = admin.done("GET", f"{sync}/entities/{SITI}/history")
    assert history["changes"][-1]["note"] == "KK dilihat"

    again = admin.done("POST", f"{sync}/reviews/{asked}/reopen")
    assert again["reviews"] == 1
    assert contenders(admin, sync, asked) == shown
    assert admin.post(f"{sync}/reviews/{asked}/reopen").status_code == 409


@promise("P81")
def test_another_value_may_be_given(admin, sync, asked):
    sent = {"contenders": list(contenders(admin, sync, asked).values()), "value": "Siti C"}
    record = admin.done("POST", f"{sync}/reviews/{asked}/resolve", sent)
    assert record["data"]["nama"] == "Siti C"


@promise("P7", "P82")
def test_who_decides_over_what_has_moved_gets_the_fresh_review(admin, sync, asked):
    shown = contenders(admin, sync, asked)
    sent = {"contenders": [shown["Siti A"]], "choose": shown["Siti A"]}
    refused = admin.post(f"{sync}/reviews/{asked}/resolve", sent)
    assert (refused.status_code, refused.get_json()["code"]) == (409, 409.5)
    assert refused.get_json()["retry"] == "after_pull"
    fresh = refused.get_json()["details"]["review"]
    assert fresh == admin.done("GET", f"{sync}/reviews/{asked}")


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"choose": "x", "value": "y"},
        {"choose": "00000000-0000-0000-0000-000000000000"},
        {"choose": 5},
        {"value": ["x"]},
        {"status": "active"},
        {"status": "asleep"},
        {"value": "x", "extra": 1},
        {"value": "x", "contenders": "all"},
        {"value": "x", "contenders": []},
        {"value": "x", "contenders": [{}]},
    ],
)
def test_what_is_no_choice_is_refused(admin, sync, asked, sent):
    sent = {"contenders": list(contenders(admin, sync, asked).values()), **sent}
    assert admin.post(f"{sync}/reviews/{asked}/resolve", sent).status_code == 400
    assert len(admin.done("GET", f"{sync}/reviews")["reviews"]) == 1


@promise("P65")
def test_a_supervisor_sees_and_decides_in_their_own_posyandu_only(
    admin, bidan, sync, asked, village
):
    assert [one["id"] for one in bidan.done("GET", f"{sync}/reviews")["reviews"]] == [asked]
    sent = {"contenders": list(contenders(bidan, sync, asked).values()), "value": "Siti C"}
    path = f"/projects/{village.project.id}/datasets/anak/entities/{SITI}?force=true"
    admin.done("PATCH", path, {"data": {"posyandu": "mawar"}})

    assert bidan.done("GET", f"{sync}/reviews")["reviews"] == []
    for method, path, body in (
        ("GET", f"reviews/{asked}", None),
        ("POST", f"reviews/{asked}/resolve", sent),
        ("POST", f"reviews/{asked}/reopen", None),
        ("GET", f"entities/{SITI}", None),
        ("GET", f"entities/{SITI}/history", None),
    ):
        assert bidan.call(method, f"{sync}/{path}", body).status_code == 404
    assert len(admin.done("GET", f"{sync}/reviews")["reviews"]) == 1


@promise("P78")
def test_the_queue_is_narrowed_and_paged(admin, sync, asked, village, phones):
    a, b = phones
    other = str(uuid.UUID(int=8))
    a.send(a.register(other, label="Budi", nama="Budi", posyandu="melati"))
    village.pass_time()
    for phone in phones:
        phone.sync()
    a.send(a.measure(other, rt="1"))
    village.pass_time()
    b.send(b.measure(other, rt="2"))

    first = admin.done("GET", f"{sync}/reviews?limit=1")
    assert (first["reviews"][0]["id"], first["more"]) == (asked, True)
    second = admin.done("GET", f"{sync}/reviews?limit=1&cursor={first['cursor']}")
    assert (second["reviews"][0]["entity"], second["more"]) == (other, False)
    assert len(admin.done("GET", f"{sync}/reviews?area=melati&list=anak")["reviews"]) == 2
    assert admin.done("GET", f"{sync}/reviews?area=mawar")["reviews"] == []
    assert admin.done("GET", f"{sync}/reviews?list=ibu")["reviews"] == []
    for bad in ("state=both", "limit=0", "limit=x", "limit=5000", "cursor=x", "cursor=WzFd"):
        assert admin.get(f"{sync}/reviews?{bad}").status_code == 400
