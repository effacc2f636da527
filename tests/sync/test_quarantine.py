"""What could not be used: listed, read, tried again, set aside; never lost."""

import pytest

from tests.support.promises import promise
from tests.sync.test_push import BAD_CHANGES, batch, create, new, update

BROKEN = b"<data id='daftar'><script>alert(1)</script>"


@pytest.fixture
def kept(admin, sync, phones):
    """One broken form that a phone sent: its id."""
    phones[0].post(BROKEN)
    (one,) = admin.done("GET", f"{sync}/quarantine")["quarantine"]
    return one["id"]


@promise("P85", "P86")
def test_what_was_kept_is_listed_without_its_bytes_and_shown_with_them(admin, sync, kept):
    shown = admin.done("GET", f"{sync}/quarantine/{kept}")
    assert (
        shown.items()
        >= {
            "id": kept,
            "kind": "submission",
            "code": "bad_xml",
            "state": "open",
            "receivedAt": "2026-11-21T03:00:00.000Z",
            "changeId": None,
        }.items()
    )
    assert shown["detail"]
    raw = admin.get(f"{sync}/quarantine/{kept}/raw")
    assert raw.data == BROKEN
    assert raw.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in raw.headers["Content-Security-Policy"]


@promise("P87")
def test_what_is_still_broken_stays_open(admin, sync, kept):
    again = admin.done("POST", f"{sync}/quarantine/{kept}/retry")
    assert (again["state"], again["result"]["status"]) == ("open", "quarantined")


@promise("P85", "P88")
def test_what_is_discarded_is_marked_and_kept(admin, sync, kept):
    assert admin.done("POST", f"{sync}/quarantine/{kept}/discard")["state"] == "discarded"
    assert admin.done("GET", f"{sync}/quarantine?state=open")["quarantine"] == []
    (one,) = admin.done("GET", f"{sync}/quarantine?state=discarded")["quarantine"]
    assert one["decidedAt"]
    assert admin.get(f"{sync}/quarantine/{kept}/raw").data == BROKEN
    assert admin.post(f"{sync}/quarantine/{kept}/discard").status_code == 400


@promise("P65")
def test_a_supervisor_sees_what_devices_of_their_posyandu_sent(bidan, admin, village, sync, kept):
    far = village.phone("jauh", posyandu="mawar")
    far.post(b"<data id='x'")
    assert len(admin.done("GET", f"{sync}/quarantine")["quarantine"]) == 2
    (one,) = bidan.done("GET", f"{sync}/quarantine")["quarantine"]
    assert one["id"] == kept
    (other,) = (
        each["id"]
        for each in admin.done("GET", f"{sync}/quarantine")["quarantine"]
        if each["id"] != kept
    )
    for path in ("", "/raw"):
        assert bidan.get(f"{sync}/quarantine/{other}{path}").status_code == 404


@promise("P89")
def test_a_supervisor_reads_and_only_a_manager_acts(admin, bidan, village, sync, kept):
    assert bidan.done("GET", f"{sync}/quarantine/{kept}")["state"] == "open"
    for act in ("retry", "discard"):
        assert bidan.post(f"{sync}/quarantine/{kept}/{act}").status_code == 403
    assert admin.done("GET", f"{sync}/quarantine/{kept}")["state"] == "open"
    manager = admin.person("kepala@example.org", "manager", village.project.id)
    assert manager.done("POST", f"{sync}/quarantine/{kept}/retry")["state"] == "open"
    assert manager.done("POST", f"{sync}/quarantine/{kept}/discard")["state"] == "discarded"


def test_unknown_ids_and_states_are_refused(admin, sync):
    assert admin.get(f"{sync}/quarantine/none").status_code == 404
    assert admin.post(f"{sync}/quarantine/none/retry").status_code == 404
    assert admin.get(f"{sync}/quarantine?state=lost").status_code == 400


def quarantine(admin, sync) -> dict[str, dict]:
    return {one["id"]: one for one in admin.done("GET", f"{sync}/quarantine")["quarantine"]}


def test_a_bad_change_that_is_tried_again_stays_with_its_reason(push, admin, sync):
    push(batch(*(update(new(), 1, rt="06") | altered for altered, _ in BAD_CHANGES)))
    before = quarantine(admin, sync)
    assert len(before) == len(BAD_CHANGES)
    for one in before:
        again = admin.done("POST", f"{sync}/quarantine/{one}/retry")
        assert (again["state"], again["result"]["status"]) == ("open", "quarantined")
    assert quarantine(admin, sync) == before


@promise("P87")
def test_a_change_that_can_be_used_by_now_is_taken_in_as_its_sender_sent_it(
    push, admin, sync, village
):
    mother = new()
    change = create(mother, rt="05") | {"list": "ibu", "clientTime": "2026-11-21T10:00:00+07:00"}
    push(batch(change))
    (kept,) = quarantine(admin, sync)
    base = f"/projects/{village.project.id}/datasets"
    admin.done("POST", base, {"name": "ibu"})
    # What waits for its list is tried again when that appears: here by the server itself.
    assert quarantine(admin, sync)[kept]["state"] == "resolved"
    (taken,) = village.changes(mother)
    assert (taken.actor_id, taken.client_time) == (
        village.quarantine()[0].actor_id,
        "2026-11-21T03:00:00.000Z",
    )
