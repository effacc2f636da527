"""What `docs/protocol.md` promises and no other test here is about."""

import base64
import csv
import hashlib
import uuid

from schemas.batches import raw_of
from tests.support.api import Api
from tests.support.promises import promise
from tests.sync.test_push import batch, create, new, statuses, update

KEYS = {"code", "message", "details", "retry"}


@promise("P5", "P6", "P7", "P10", "P11")
def test_a_refusal_says_what_is_wrong_and_what_to_do(push, admin, village, sync):
    key = f"/key/{village.phone('k').token}"
    for path, status in (
        (f"{sync}/nothing", 404),
        (f"{key}{sync}/nothing", 404),
        (f"{sync.replace('projects/', 'projects/9')}/info", 404),
        (f"{sync}/pull?limit=none", 400),
        (f"{sync}/pull?mode=none", 400),
        (f"{sync}/reviews?state=none", 400),
        (f"{sync}/quarantine?cursor=none", 400),
    ):
        refused = admin.get(path)
        assert (refused.status_code, refused.json.keys()) == (status, KEYS), path
        assert int(refused.json["code"]) == status
        assert refused.json["retry"] == "never"
        if status == 400:
            assert refused.json["details"]["field"] == path.partition("?")[2].partition("=")[0]
    child = new()
    moved = push(batch(create(child), epoch=new()))
    assert moved.json["retry"] == "after_pull"
    assert village.changes(child) == []


@promise("P20", "P22")
def test_batches_of_two_senders_are_two(push, village):
    body, other = batch(create(new()), sentAt="kemarin"), village.phone("q").token
    assert statuses(push(body)) == ["applied"]
    again = push({name: one for name, one in body.items() if name != "sentAt"}, token=other)
    assert (statuses(again), again.json["replayed"]) == (["duplicate"], False)


@promise("P23", "P24", "P25", "P26", "P27", "P41", "P110")
def test_a_form_is_kept_byte_for_byte_and_its_changes_have_ids_that_are_known(
    push, village, admin, sync
):
    child, phone = new(), village.phone("q")
    utf8 = phone.register(child, posyandu="melati").replace(b"version='1'", b"version='0'")
    text = "<?xml version='1.0' encoding='ISO-8859-1'?>" + utf8.decode().replace("Siti", "Né")
    latin = text.replace(child, new()).encode("latin-1")
    instance = utf8.decode().partition("<instanceID>")[2].partition("<")[0]
    latin = latin.replace(instance.encode(), f"uuid:{new()}".encode())
    empty = (
        f"<data id='daftar' version='1'><meta><instanceID>uuid:{new()}</instanceID></meta></data>"
    )
    late = {"name": "foto.jpg", "sha256": hashlib.sha256(b"late").hexdigest(), "size": 4}
    answer = push(
        batch(
            {"kind": "submission", "xmlFormId": "x", "xml": utf8.decode(), "attachments": [late]},
            {"kind": "submission", "xmlBase64": base64.b64encode(latin).decode()},
            {"kind": "submission", "xml": empty},
        )
    )
    assert statuses(answer) == ["applied"] * 3
    first, _, without = answer.json["results"]
    assert [one["code"] for one in answer.json["results"]] == ["unknown_version"] * 2 + [None]
    assert "version '0'" in first["detail"]
    assert first["changes"][0]["code"] is None
    assert (first["instanceId"], without["changes"]) == (instance, [])
    name = f"daftar\n{instance}\n0"
    assert first["changes"][0]["changeId"] == str(uuid.uuid5(uuid.UUID(village.project.uuid), name))
    kept = {raw_of(one) for one in admin.done("GET", f"{sync}/pull?mode=changes")["changes"]}
    assert kept == {utf8, latin, empty.encode()}


@promise("P48", "P87", "P111")
def test_a_revoked_device_may_still_hand_over_what_it_holds(push, admin, village, sync):
    phone, child = village.phone("q"), new()
    known, late = create(child, rt="05"), update(child, 1, rt="06")
    first = batch(known)
    push(first, token=phone.token)
    form, other = phone.register(new(), posyandu="melati").decode(), new()
    base = f"/projects/{village.project.id}"
    admin.done("DELETE", f"{base}/app-users/{phone.actor_id}")
    assert push(first, token=phone.token).json["replayed"]
    items = (known, late, create(other), {"kind": "submission", "xml": form})
    told = push(batch(*items), token=phone.token).json["results"]
    assert [one["status"] for one in told] == ["duplicate", *["quarantined"] * 3]
    assert [one["code"] for one in told] == [None, *["revoked_device"] * 3]
    assert village.shown(child)["rt"] == "05"
    device = Api(village.client, phone.token)
    for path in ("info", "pull", f"batches/{first['batchId']}"):
        assert device.get(f"{sync}/{path}").status_code in (401, 403)
    kept = admin.done("GET", f"{sync}/quarantine")["quarantine"]
    assert {one["code"] for one in kept} == {"revoked_device"}
    for one in kept:
        retried = admin.done("POST", f"{sync}/quarantine/{one['id']}/retry")
        assert retried["state"] == "resolved"
    assert (village.shown(child)["rt"], village.shown(other)["posyandu"]) == ("06", "melati")


@promise("P29", "P30", "P46", "P47")
def test_what_is_sent_of_a_property_and_what_became_of_it(push, admin, village, sync):
    child, phone = new(), village.phone("q")
    push(batch(create(child, rt="05", nama="Siti", nik="1", hobi="lari")))
    push(batch(update(child, 1, rt="", nama="Siti")))
    rest = f"/projects/{village.project.id}/datasets/anak"
    shown = {"nama": "Siti", "nik": "1", "posyandu": "melati", "rt": ""}

    def data_shown():
        """The record's properties wherever they are shown, and what the history says of `hobi`."""
        phone.sync()
        histories = admin.done("GET", f"{sync}/entities/{child}/history")["changes"]
        told = [one["value"] for c in histories for one in c["fields"] if one["name"] == "hobi"]
        assert told == ["lari"]
        table = csv.DictReader(admin.get(f"{rest}/entities.csv").text.splitlines())
        versions = admin.done("GET", f"{rest}/entities/{child}/versions")
        assert versions[0]["dataReceived"]["hobi"] == "lari"
        page = admin.done("GET", f"{sync}/pull")
        return (
            admin.done("GET", f"{sync}/entities/{child}")["data"],
            page["records"][0]["data"],
            admin.done("GET", f"{rest}/entities/{child}")["currentVersion"]["data"],
            versions[-1]["data"],
            next(table).get("hobi"),
            phone.screen(child).get("hobi"),
        )

    assert data_shown() == (*[shown] * 4, None, None)
    before = phone.anak.entities[child].version
    admin.done("POST", f"{rest}/properties", {"name": "hobi"})
    assert data_shown() == (*[shown | {"hobi": "lari"}] * 4, "lari", "lari")
    assert phone.anak.entities[child].version == before + 1

    outcomes = {
        one["name"]: one["outcome"]
        for sent in (
            update(child, 2, bb="9.1", tgl="2026-11-10"),
            update(child, 2, rt="07"),
            update(child, 2, rt="08"),
            update(child, 2, bb="8.8", tgl="2026-11-01", nama="Siti"),
        )
        for one in push(batch(sent)).json["results"][0]["fields"]
    }
    told = {"bb": "settled", "tgl": "merged", "nama": "unchanged", "rt": "review"}
    assert outcomes == told
    for op in ("delete", "restore"):
        item = update(child, 6) | {"op": op, "data": {}}
        assert admin.done("POST", f"{sync}/push", batch(item))["results"][0]["version"] == 6


@promise("P32", "P33", "P34", "P40", "P44")
def test_a_chain_in_any_order_and_a_part_that_has_not_come(push, village):
    child, branch = new(), {"branchId": new()}
    one = update(child, 1, rt="06") | branch | {"trunkVersion": 1}
    two = update(child, 2, rt="07") | branch | {"trunkVersion": 1}
    assert statuses(push(batch(two, one, create(child, rt="05")))) == ["applied"] * 3
    assert village.shown(child)["rt"] == "07"

    four = update(child, 4, rt="09") | branch | {"trunkVersion": 1}
    three = update(child, 3, rt="08") | branch | {"trunkVersion": 1}
    (waiting,) = push(batch(four)).json["results"]
    assert (waiting["status"], village.shown(child)["rt"]) == ("waiting", "09")
    assert waiting["waitsFor"]
    (known,) = push(batch(four)).json["results"]
    assert (known["status"], known["waitsFor"]) == ("duplicate", waiting["waitsFor"])
    push(batch(three))
    (settled,) = push(batch(four)).json["results"]
    assert (settled["status"], settled["waitsFor"]) == ("duplicate", None)
    assert (village.shown(child)["rt"], village.reviews(child)) == ("09", [])


@promise("P35", "P36")
def test_a_decision_by_push_is_voided_by_push(push, admin, village, sync):
    child = new()
    push(batch(create(child, rt="05")))
    both = [update(child, 1, rt=rt) for rt in ("06", "07")]
    push(batch(*both))
    resolve = update(child, 3, rt="08") | {
        "op": "resolve",
        "contenders": [one["changeId"] for one in both],
    }
    reopen = update(child, 4) | {"op": "reopen", "of": resolve["changeId"], "data": {}}
    for item, asked in ((resolve, {}), (reopen, {"rt": {"06", "07"}})):
        sent = {name: one for name, one in item.items() if name != "baseVersion"}
        assert admin.done("POST", f"{sync}/push", batch(sent))["results"][0]["code"] is None
        assert village.asked(child) == asked


@promise("P38", "P51", "P60")
def test_changes_come_as_they_were_pushed_with_what_was_settled(push, admin, village, sync):
    change = create(new(), rt="05") | {"clientTime": "2026-11-21T02:00:00.000Z"}
    forged = {"path": [{"node": new(), "receivedAt": "2020-01-01T00:00:00.000Z"}], "settled": {}}
    push(batch(change | forged))
    push(batch(create(new())))
    first = admin.done("GET", f"{sync}/pull?mode=changes&limit=1")
    items, cursor = list(first["changes"]), first["cursor"]
    assert first["more"]
    while first["more"]:
        first = admin.done("GET", f"{sync}/pull?mode=changes&limit=1&cursor={cursor}")
        cursor = first["cursor"]
        items += first["changes"]
    (item,) = (one for one in items if one["changeId"] == change["changeId"])
    assert len(items) == 2
    assert change.items() <= item.items()
    assert [stamp["node"] for stamp in item["path"]] == [village.project.node]
    assert item["settled"]["properties"]["rt"] == {
        "write": True,
        "replaces": [],
        "observedOn": None,
    }


@promise("P61", "P62", "P63", "P67")
def test_an_area_is_made_of_actor_properties_and_a_record_enters_it_whole(push, admin, sync):
    base = sync.removesuffix("/sync")
    admin.done("POST", f"{base}/actor-properties", {"name": "dusun"})
    rule = {"datasetProperty": "rt", "actorProperty": "dusun"}
    filtered = {"accessFilter": {"type": "property", "rules": [rule]}}
    told = admin.done("PATCH", f"{base}/datasets/anak", filtered)
    assert told["accessFilter"] == filtered["accessFilter"]
    area = {"dusun": ["05", "06"]}
    made = admin.done("POST", f"{sync}/hubs", {"name": "Pustu", "properties": area})
    paired = Api(admin.client).done("POST", "/sync/pair", {"code": made["code"], "node": new()})
    hub = Api(admin.client, paired["token"])
    named = {"displayName": "p", "properties": area}
    phone = Api(admin.client, admin.done("POST", f"{base}/app-users", named)["token"])

    mine, other = create(new(), rt="06"), create(new(), rt="09")
    admin.done("POST", f"{sync}/push", batch(mine, other))
    shown = phone.done("GET", f"{sync}/pull")["records"]
    assert [one["entity"] for one in shown] == [mine["entity"]]
    page = hub.done("GET", f"{sync}/pull?mode=changes")
    while page["more"]:
        page = hub.done("GET", f"{sync}/pull?mode=changes&cursor={page['cursor']}")

    middle = update(other["entity"], 1, nama="Siti")
    enters = update(other["entity"], 2, rt="05")
    admin.done("POST", f"{sync}/push", batch(middle))
    admin.done("POST", f"{sync}/push", batch(enters))
    page = hub.done("GET", f"{sync}/pull?mode=changes&cursor={page['cursor']}")
    ids = {one["changeId"] for one in page["changes"]}
    assert ids == {other["changeId"], middle["changeId"], enters["changeId"]}
