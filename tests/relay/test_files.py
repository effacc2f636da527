"""Batches as files: whole or refused whole, harmless twice, and nothing left behind."""

import gzip
import hashlib
import io
import json
import random
import uuid
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from schemas.batches import PROTOCOL
from sync_server.accounts.people import current_node, get_project
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import AlreadyThere, BadValue, CursorGone
from sync_server.models.base import Base
from sync_server.models.forms import Blob
from sync_server.models.records import SubmissionAttachment
from sync_server.relay import files
from sync_server.relay.files import Exported, Imported
from sync_server.relay.syncbatch import Writer, checked
from sync_server.stores.upsert import table_of
from tests.relay.servers import PROJECT, Server
from tests.relay.test_routes import a_month
from tests.support.promises import promise
from tests.sync.test_push import create, new, update

PHOTO = random.Random(5).randbytes(200_000)
SHA = hashlib.sha256(PHOTO).hexdigest()


def export(server: Server, file: Path, since: str | None = None) -> Exported:
    with server.app.app_context():
        here, (_, epoch) = context(), current_node()
        project = get_project(server.village.project.id)
        secret = here.settings.secret_key
        return files.export_batch(
            project, file, since=since, epoch=epoch, secret_key=secret, blobs=here.blobs
        )


def bring(server: Server, file: Path) -> Imported:
    with server.app.app_context():
        here, (_, epoch) = context(), current_node()
        return files.import_batch(
            get_project(server.village.project.id),
            file,
            by=server.village.admin,
            epoch=epoch,
            blobs=here.blobs,
            clock=here.clock,
        )


def rows(server: Server) -> dict[str, int]:
    """How many rows each table has: what "nothing was stored" means."""
    with server.app.app_context(), read_transaction() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in Base.metadata.tables.items()
        }


@contextmanager
def nothing_stored(server: Server):
    before = rows(server)
    yield
    assert rows(server) == before


def lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in gzip.open(file)]


def photographed(server: Server, name: str = "F") -> str:
    """A child whose form came with a photo; its id."""
    phone, child = server.village.phone(name), str(uuid.uuid4())
    assert phone.post(phone.register(child, posyandu="melati"), foto=PHOTO).status_code == 201
    return child


@pytest.fixture
def small(hub, tmp_path) -> Path:
    """A file of one form with a photo and one change."""
    photographed(hub)
    hub.take([create(new(), rt="05")])
    export(hub, tmp_path / "small.syncbatch")
    return tmp_path / "small.syncbatch"


@promise("P104")
def test_what_a_hub_has_comes_by_file_and_twice_changes_nothing(hub, centre, tmp_path):
    a_month(hub, centre)
    photographed(hub)
    file = tmp_path / "all.syncbatch"
    done = export(hub, file)
    brought = bring(centre, file)
    assert (done.blobs, done.missing) == (1, 0)
    assert (brought.items, brought.blobs, brought.cursor) == (done.items, 1, done.cursor)
    assert centre.records() == hub.records()
    assert [one.code for one in centre.village.quarantine()] == ["unknown_form"]
    with nothing_stored(centre):
        again = bring(centre, file)
    assert again.items == done.items
    assert set(again.statuses) == {"duplicate", "quarantined"}
    assert centre.records() == hub.records()


@promise("P103")
def test_the_next_file_has_only_what_came_later(hub, other, tmp_path):
    one, two = tmp_path / "1.syncbatch", tmp_path / "2.syncbatch"
    child = new()
    hub.take([create(child, rt="05"), create(new())])
    first = export(hub, one)
    nothing = export(hub, two, since=first.cursor)
    assert (first.items, nothing.items) == (2, 0)
    hub.take([update(child, 1, rt="06")])
    second = export(hub, two, since=nothing.cursor)
    assert (second.items, lines(two)[0]["since"]) == (1, nothing.cursor)
    for file in (two, one):
        bring(other, file)
    assert other.records() == hub.records()
    with pytest.raises(CursorGone):
        export(hub, two, since="not one of ours")


def test_an_attachment_comes_along_once_and_whole(hub, other, tmp_path):
    photographed(hub, "F")
    photographed(hub, "G")
    file = tmp_path / "a.syncbatch"
    assert export(hub, file).blobs == 1
    bring(other, file)
    with other.app.app_context(), read_transaction() as connection:
        assert context().blobs.read(SHA) == PHOTO
        here = connection.execute(select(table_of(SubmissionAttachment).c.here_at)).scalars()
        assert all(list(here))


def test_an_attachment_that_came_after_its_form_is_in_the_next_file(hub, centre, tmp_path):
    phone = hub.village.phone("F")
    item = {
        "kind": "submission",
        "xml": phone.register(new(), posyandu="melati").decode(),
        "attachments": [{"name": "foto.jpg", "sha256": SHA, "size": len(PHOTO)}],
    }
    hub.take([item])
    file = tmp_path / "a.syncbatch"
    first = export(hub, file)
    assert (first.blobs, first.missing) == (0, 1)
    bring(centre, file)
    hub.village.pass_time()
    address = f"/v1/projects/{hub.village.project.id}/sync/blobs/{SHA}"
    headers = {"Upload-Offset": "0", "Upload-Length": str(len(PHOTO))}
    headers["Authorization"] = f"Bearer {phone.token}"
    assert hub.village.client.patch(address, data=PHOTO, headers=headers).status_code == 204
    second = export(hub, file, since=first.cursor)
    assert (second.items, second.blobs) == (0, 1)
    assert bring(centre, file).blobs == 1
    with centre.app.app_context(), read_transaction() as connection:
        assert connection.execute(select(table_of(SubmissionAttachment).c.here_at)).scalar_one()


def test_a_file_says_what_it_is_to_whoever_unpacks_it(hub, small):
    header, *items, trailer = lines(small)
    assert (header["simpul"], header["protocol"], header["project"]) == ("syncbatch", 1, PROJECT)
    assert header["node"] == hub.village.project.node
    assert [one["kind"] for one in items[:2]] == ["submission", "change"]
    assert items[2] == {"blob": SHA, "size": len(PHOTO)}
    assert list(items[-1]) == ["cursor"]
    assert (trailer["items"], trailer["blobs"]) == (2, 1)
    assert small.stat().st_mode & 0o777 == 0o600


@promise("P105")
def test_a_file_cut_anywhere_is_refused_whole(other, small, tmp_path):
    whole, chance = small.read_bytes(), random.Random(1)
    cut = tmp_path / "cut.syncbatch"
    ends = [
        0,
        1,
        2,
        10,
        *chance.sample(range(len(whole)), 40),
        *range(len(whole) - 200, len(whole)),
    ]
    for end in ends:
        with pytest.raises(BadValue):
            checked(io.BytesIO(whole[:end]), "cut")
    with nothing_stored(other):
        for end in ends[:12]:
            cut.write_bytes(whole[:end])
            with pytest.raises(BadValue):
                bring(other, cut)


@promise("P105")
def test_a_file_with_any_bit_altered_is_refused_whole(other, small, tmp_path):
    whole, chance = small.read_bytes(), random.Random(2)
    altered = tmp_path / "altered.syncbatch"
    ends = [*range(60), *range(len(whole) - 260, len(whole))]
    places = [*((at, 1 << bit) for at in ends for bit in range(8))]
    places += [(chance.randrange(len(whole)), 1 << chance.randrange(8)) for _ in range(100)]

    def with_a_bit_flipped(at: int, bit: int) -> bytes:
        return whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]

    for at, bit in places:
        with pytest.raises(BadValue):
            checked(io.BytesIO(with_a_bit_flipped(at, bit)), "altered")
    with nothing_stored(other):
        for at, bit in chance.sample(places, 12):
            altered.write_bytes(with_a_bit_flipped(at, bit))
            with pytest.raises(BadValue, match="altered"):
                bring(other, altered)
        altered.write_bytes(whole + b"more")
        with pytest.raises(BadValue, match="altered"):
            bring(other, altered)


def made(file: Path, header: dict, *parts: dict, cursor: str = "c") -> Path:
    """A file with a good seal that somebody else made."""
    with file.open("wb") as stream:
        writer = Writer(stream, {"project": PROJECT, **header})
        for part in parts:
            writer.add_item(part) if "kind" in part else writer._line(part)
        writer.finish(cursor)
    return file


STRANGE = [
    ({"project": "5d1f7e55-0000-4000-8000-0000000000ff"}, [], "another project"),
    ({"protocol": PROTOCOL + 1}, [], "newer"),
    ({"protocol": 0}, [], "protocol"),
    ({"simpul": "backup"}, [], "no batch"),
    ({}, [{"blob": SHA, "size": 3}, {"bytes": "YWJj"}], "other bytes"),
    ({}, [{"blob": SHA, "size": "3"}], "cannot be read"),
    ({}, [{"blob": SHA, "size": 3}, {"bytes": "%"}], "cannot be read"),
    ({}, [{"blob": SHA, "size": 3}, {"bytes": 7}], "cannot be read"),
    ({}, [{"what": 1}], "cannot be read"),
    ({}, [{"cursor": "early"}, {"kind": "change"}], "as many"),
]


def test_what_is_sealed_and_still_not_ours_is_refused_whole(other, tmp_path):
    file = tmp_path / "made.syncbatch"
    with nothing_stored(other):
        for header, parts, word in STRANGE:
            with pytest.raises(BadValue, match=word):
                bring(other, made(file, header, create(new()), *parts))
        for content in (b"", b"a text", gzip.compress(b"a text"), gzip.compress(b"[]")):
            file.write_bytes(content)
            with pytest.raises(BadValue):
                bring(other, file)


def test_an_item_that_cannot_be_used_is_kept_and_the_others_are_taken_in(other, tmp_path):
    child = new()
    odd = {"kind": "change", "changeId": new(), "op": 7, "attachments": [{"sha256": "x"}, 3]}
    file = made(tmp_path / "odd.syncbatch", {}, odd, create(child))
    assert bring(other, file).statuses == {"quarantined": 1, "applied": 1}
    assert other.village.shown(child)["posyandu"] == "melati"
    assert export(other, tmp_path / "on.syncbatch").items == 2


def test_an_import_cut_off_goes_on_where_it_was(hub, centre, tmp_path, monkeypatch):
    hub.take([create(new()) for _ in range(7)])
    photographed(hub)
    file = tmp_path / "a.syncbatch"
    export(hub, file)
    monkeypatch.setattr(files, "_MOST_ITEMS", 3)
    count, real = 0, files.push

    def killed(*args, **kwargs):
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(files, "push", killed)
    with pytest.raises(KeyboardInterrupt):
        bring(centre, file)
    assert bring(centre, file).statuses == {"applied": 2, "duplicate": 6}
    assert centre.records() == hub.records()


def test_a_file_has_its_name_only_when_it_is_whole(hub, small, monkeypatch):
    before = small.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    real = Writer.finish
    monkeypatch.setattr(Writer, "finish", full)
    with pytest.raises(OSError, match="No space"):
        export(hub, small)
    monkeypatch.setattr(Writer, "finish", real)
    assert small.read_bytes() == before
    assert [path.name for path in small.parent.glob("*small*")] == ["small.syncbatch"]
    other = small.with_name("simpul.db.txt")
    other.write_bytes(b"something else")
    with pytest.raises(AlreadyThere):
        export(hub, other)
    assert export(hub, small).items == 2


def test_a_damaged_attachment_here_stops_the_export(hub, small):
    with hub.app.app_context(), read_transaction() as connection:
        assert connection.execute(select(table_of(Blob).c.sha256)).scalar_one() == SHA
        context().blobs.path(SHA).write_bytes(b"rust")
    with pytest.raises(BadValue, match="damaged"):
        export(hub, small)
