"""The submissions of a form as CSV: what is in the tables, who gets them, and when they are new."""

import csv
import io
import zipfile
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from sync_server.reports import entries
from sync_server.rest import submissions_csv
from tests.odk_forms.locker import lock, public_key
from tests.openrosa.nasty import NAMES, form_of, publish_form
from tests.openrosa.okhttp import VISIT, Reader, filled, new_id, publish_visit, send
from tests.scenarios.posyandu import Village
from tests.support.api import Api

on_sqlite = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
FAMILY = """
| settings |
|          | form_title | form_id  | version |
|          | Keluarga   | keluarga | 1       |
| choices |
|         | list_name | name | label |
|         | vaksin    | bcg  | BCG   |
|         | vaksin    | dpt  | DPT   |
| survey |
|        | type                   | name   | label  |
|        | text                   | nama   | Nama   |
|        | begin_group            | rumah  | Rumah  |
|        | geopoint               | titik  | Titik  |
|        | begin_repeat           | anak   | Anak   |
|        | text                   | nama   | Nama   |
|        | select_multiple vaksin | vaksin | Vaksin |
|        | end_repeat             |        |        |
|        | end_group              |        |        |
"""
BEHIND = (
    *("KEY", "SubmitterID", "SubmitterName", "AttachmentsPresent", "AttachmentsExpected"),
    *("Status", "ReviewState", "DeviceID", "Edits", "FormVersion"),
)


@pytest.fixture
def village(app, clock) -> Village:
    return Village.begin(app, clock)


@pytest.fixture
def reader(village) -> Reader:
    return Reader(village)


def fetch(reader: Reader, path: str, api: Api | None = None, **query: str) -> TestResponse:
    return (api or reader.api).get(f"{reader.base}/{path}", query_string=query, buffered=True)


def table(text: bytes | str) -> list[dict[str, str]]:
    plain = text if isinstance(text, str) else text.decode()
    return list(csv.DictReader(io.StringIO(plain, newline=""), strict=True))


def root(reader: Reader, form: str = "visit", **query: str) -> list[dict[str, str]]:
    answer = fetch(reader, f"{quote(form, safe='')}/submissions.csv", **query)
    assert answer.status_code == 200, answer.text
    return table(answer.data)


def unzipped(reader: Reader, form: str = "visit", **query: str) -> dict[str, bytes]:
    answer = fetch(reader, f"{form}/submissions.csv.zip", **query)
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def family(instance: str, *children: tuple[str, str], nama: str = "Ani", deprecated: str = ""):
    rows = "".join(f"<anak><nama>{n}</nama><vaksin>{v}</vaksin></anak>" for n, v in children)
    old = f"<deprecatedID>{deprecated}</deprecatedID>" if deprecated else ""
    return (
        f"<data id='keluarga' version='1'><nama>{nama}</nama>"
        f"<rumah><titik>-6.91 107.6 768.5 4</titik>{rows}</rumah>"
        f"<meta><instanceID>{instance}</instanceID>{old}</meta></data>"
    ).encode()


def test_a_form_with_its_repeats_its_edits_and_without_what_was_deleted(
    village, reader, monkeypatch
):
    monkeypatch.setattr(entries, "_AT_ONCE", 2)
    monkeypatch.setattr(entries, "_BYTES_AT_ONCE", 1)
    publish_visit(village, FAMILY)
    a, b = village.phone("a"), village.phone("b")
    first, edit, second, gone, third = (new_id() for _ in range(5))
    assert fetch(reader, "keluarga/submissions.csv").data.decode().splitlines() == [
        ",".join(
            (
                *("SubmissionDate", "nama", "rumah-titik-Latitude", "rumah-titik-Longitude"),
                *("rumah-titik-Altitude", "rumah-titik-Accuracy", "meta-instanceID", *BEHIND),
            )
        )
    ]
    for phone, xml in (
        (b, family(edit, ("Siti N", "bcg dpt"), ("Budi", ""), nama="Ani N", deprecated=first)),
        (a, family(first, ("Siti", "bcg"))),
        (a, family(second, nama="=Ibu, 1")),
        (a, family(gone)),
    ):
        assert send(phone, xml).status_code == 201
    village.pass_time()
    assert send(b, family(third, ("Tono", "polio"))).status_code == 201
    reader.api.done("DELETE", reader.path(gone, "keluarga"))

    rows = root(reader, "keluarga")
    newest, *others = rows
    assert (newest["KEY"], newest["SubmitterID"]) == (third, str(b.actor_id))
    assert newest["SubmissionDate"] > others[0]["SubmissionDate"]
    assert {one["KEY"]: one["nama"] for one in others} == {first: "Ani N", second: "=Ibu, 1"}
    (mended,) = [one for one in others if one["KEY"] == first]
    assert mended["meta-instanceID"] == edit
    assert {name: mended[name] for name in BEHIND} == {
        "KEY": first,
        "SubmitterID": str(a.actor_id),
        "SubmitterName": "a",
        "AttachmentsPresent": "0",
        "AttachmentsExpected": "0",
        "Status": "",
        "ReviewState": "edited",
        "DeviceID": "collect:a",
        "Edits": "1",
        "FormVersion": "1",
    }
    place = [mended[f"rumah-titik-{one}"] for one in ("Latitude", "Longitude", "Altitude")]
    assert place == ["-6.91", "107.6", "768.5"]

    whole = unzipped(reader, "keluarga")
    assert list(whole) == ["keluarga.csv", "keluarga-anak.csv"]
    assert table(whole["keluarga.csv"]) == rows
    children = table(whole["keluarga-anak.csv"])
    assert list(children[0]) == ["nama", "vaksin", "PARENT_KEY", "KEY"]
    assert {(one["nama"], one["KEY"], one["PARENT_KEY"]) for one in children} == {
        ("Siti N", f"{first}/rumah/anak[1]", first),
        ("Budi", f"{first}/rumah/anak[2]", first),
        ("Tono", f"{third}/rumah/anak[1]", third),
    }
    split = unzipped(reader, "keluarga", splitSelectMultiples="true", groupPaths="False")
    assert list(table(split["keluarga-anak.csv"])[0].items())[:5] == [
        *(("nama", "Tono"), ("vaksin", "polio")),
        *(("vaksin/bcg", "0"), ("vaksin/dpt", "0"), ("vaksin/polio", "1")),
    ]
    assert "titik-Latitude" in table(split["keluarga.csv"])[0]


def test_who_has_the_newest_gets_304_until_something_alters(village, reader):
    publish_visit(village)
    phone, instance = village.phone("a"), new_id()
    tags: list[str] = []

    def is_new(form: str = "visit", **query: str) -> bool:
        """Whether an answer is another than any before; asked again with its tag it is 304."""
        path = f"{reader.base}/{form}/submissions.csv"
        head = reader.api.call("HEAD", path, query_string=query)
        assert (head.status_code, head.data) == (200, b"")
        assert head.headers.get("Content-Length") is None
        tag = head.headers["ETag"]
        answer = reader.api.get(path, query_string=query, buffered=True)
        assert answer.headers["ETag"] == tag
        assert int(answer.headers["Content-Length"]) == len(answer.data)
        for method in ("GET", "HEAD"):
            again = reader.api.call(
                method, path, query_string=query, headers={"If-None-Match": f"W/{tag}, W/{tag}"}
            )
            assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
        fresh = tag not in tags
        tags.append(tag)
        return fresh

    assert is_new()
    assert not is_new()
    assert is_new(groupPaths="false")
    assert send(phone, filled(instance, foto="1.jpg"), complete=False).status_code == 201
    assert is_new()
    assert send(phone, filled(instance, foto="1.jpg"), ("1.jpg", b"1")).status_code == 201
    assert is_new()
    assert send(phone, filled(instance, foto="1.jpg"), ("1.jpg", b"1")).status_code == 201
    assert not is_new()
    reader.api.done("DELETE", reader.path(instance))
    assert is_new()
    reader.api.done("POST", f"{reader.path(instance)}/restore")
    assert not is_new()  # it is as it was
    publish_visit(village, VISIT.replace("| 1       |", "| 2 |"))
    assert is_new()
    publish_visit(village, FAMILY)
    assert send(phone, family(new_id())).status_code == 201
    assert not is_new()
    reader.api.done("PATCH", f"/users/{village.admin}", {"displayName": "Bu Ani"})
    assert not is_new()


@on_sqlite
def test_the_files_that_the_forms_name_are_in_the_zip(village, reader):
    publish_visit(village)
    phone = village.phone("a")
    log = b"event,node,start,end,old-value,user\nform start,,1,,,\nquestion,/data/nama,2,3,a,tuti\n"
    sent = [new_id() for _ in range(4)]
    for number, (instance, answers, files) in enumerate(
        (
            (sent[0], {"foto": "1.jpg", "kedua": "..&lt;/etc/a"}, {"../x": b"", "audit.csv": log}),
            (sent[1], {"foto": "1.JPG", "audit": "audit.csv"}, {"1.JPG": b"b", "lain.jpg": b"x"}),
            (sent[2], {"foto": "1.jpg", "kedua": "hilang.jpg"}, {"1.jpg": b"a"}),
            (sent[3], {"foto": "1.jpg"}, {"1.jpg": b"c", "audit.csv": b"event,apa\nx,y\n"}),
        )
    ):
        if number == 0:
            files = {"1.jpg": b"a", "..</etc/a": b"e", **files}
        xml = filled(instance, **{"audit": "audit.csv", **answers})
        xml = xml.replace(b"<audit>audit.csv</audit>", b"").replace(
            b"</meta>", b"<audit>audit.csv</audit></meta>"
        )
        assert send(phone, xml, *files.items()).status_code == 201
        village.pass_time()
    whole = unzipped(reader)
    folders = [one.removeprefix("uuid:") for one in sent]
    assert {name: data for name, data in whole.items() if name.startswith("media/")} == {
        "media/1.jpg": b"c",
        f"media/{folders[2]}/1.jpg": b"a",
        f"media/{folders[1]}/1.JPG": b"b",
        f"media/{folders[0]}/1.jpg": b"a",
        "media/..etca": b"e",
        "media/audit.csv": b"event,apa\nx,y\n",  # a column that no phone writes
    }
    events = table(whole["visit - audit.csv"])
    assert [(one["instance ID"], one["event"], one["start"], one["user"]) for one in events] == [
        (sent[0], "form start", "1", ""),
        (sent[0], "question", "2", "tuti"),
    ]
    counts = {
        one["KEY"]: (one["AttachmentsPresent"], one["AttachmentsExpected"])
        for one in table(whole["visit.csv"])
    }
    assert counts == dict(zip(sent, [("3", "3"), ("1", "2"), ("1", "3"), ("2", "2")], strict=True))
    assert list(unzipped(reader, attachments="false")) == ["visit.csv"]
    names = [
        fetch(reader, "visit/submissions.csv.zip", attachments=word).headers
        for word in ("true", "false")
    ]
    assert ["csv.zip" in one["Content-Disposition"] for one in names] == [False, True]


@on_sqlite
def test_the_zip_unpacks_whole_where_a_file_is_called_as_a_folder_of_another(
    village, reader, tmp_path
):
    publish_visit(village)
    phone = village.phone("a")
    sent = (  # the last to come is the first in the zip
        *(("uuid:q9", "zz", b"1"), ("uuid:zz", "k1", b"2"), ("uuid:k1x", "k1", b"3")),
        *(("uuid:Yy", "k2", b"4"), ("uuid:k2x", "k2", b"5"), ("uuid:q8", "yY", b"6")),
    )
    for instance, name, data in sent:
        xml = filled(instance, foto=name)
        assert send(phone, xml, (name, data)).status_code == 201
        village.pass_time()
    whole = unzipped(reader)
    assert {name: data for name, data in whole.items() if name.startswith("media/")} == {
        "media/yY": b"6",
        "media/k2": b"5",
        "media/Yy-2/k2": b"4",
        "media/k1": b"3",
        "media/zz/k1": b"2",
        "media/q9/zz": b"1",
    }
    with zipfile.ZipFile(io.BytesIO(fetch(reader, "visit/submissions.csv.zip").data)) as archive:
        archive.extractall(tmp_path)
    for name, data in whole.items():
        assert (tmp_path / name).read_bytes() == data


@on_sqlite
def test_who_lost_the_link_half_way_gets_the_rest_of_the_same_table(village, reader):
    publish_visit(village)
    path = f"{reader.base}/visit/submissions.csv"
    send(village.phone("a"), filled(new_id()))
    whole = reader.api.get(path, buffered=True)
    resume = {"Range": "bytes=100-", "If-Range": whole.headers["ETag"]}
    rest = reader.api.get(path, headers=resume, buffered=True)
    assert (rest.status_code, rest.data) == (206, whole.data[100:])
    assert rest.headers["Content-Range"] == f"bytes 100-{len(whole.data) - 1}/{len(whole.data)}"
    send(village.phone("b"), filled(new_id()))
    anew = reader.api.get(path, headers=resume, buffered=True)
    assert (anew.status_code, len(table(anew.data))) == (200, 2)
    behind = reader.api.get(path, headers={"Range": "bytes=9999-"}, buffered=True)
    assert behind.status_code == 416
    assert behind.headers["Content-Range"] == f"bytes */{len(anew.data)}"


@on_sqlite
def test_an_encrypted_form_is_a_row_without_answers(village, reader):
    publish_visit(
        village,
        VISIT.replace("| version |", "| version | public_key |").replace(
            "| 1       |", f"| 1 | {public_key('bidan')} |"
        ),
    )
    phone, ids = village.phone("a"), [new_id() for _ in range(3)]
    locked = [lock(one, filled(one, nama="Siti", foto="1.jpg"), [("1.jpg", b"1")]) for one in ids]
    assert send(phone, locked[0].xml, *locked[0].files.items()).status_code == 201
    assert send(phone, locked[1].xml).status_code == 201
    assert send(phone, filled(ids[2], nama="Budi")).status_code == 201
    told = {one["KEY"]: (one["nama"], one["Status"]) for one in root(reader)}
    assert told == {
        ids[0]: ("", "not decrypted"),
        ids[1]: ("", "missing encrypted form data"),
        ids[2]: ("Budi", ""),
    }
    assert list(unzipped(reader, splitSelectMultiples="true")) == ["visit.csv"]


@on_sqlite
def test_fields_that_only_older_versions_had_are_there_for_who_asks(village, reader):
    publish_visit(village)
    phone = village.phone("a")
    send(phone, filled(new_id(), nama="lama", kedua="2.jpg"))
    newer = VISIT.replace("| 1       |", "| 2 |").replace("kedua", "ketiga")
    publish_visit(village, newer)
    village.pass_time()
    send(phone, filled(new_id(), nama="baru", version="2", ketiga="3.jpg"))
    now, all_of_them = root(reader), root(reader, deletedFields="true")
    assert [one["ketiga"] for one in now] == ["3.jpg", ""]
    assert "kedua" not in now[0]
    assert [(one["ketiga"], one["kedua"]) for one in all_of_them] == [("3.jpg", ""), ("", "2.jpg")]
    assert [one["FormVersion"] for one in now] == ["2", "1"]


@on_sqlite
def test_a_cell_is_what_was_typed_and_harmless_where_that_is_asked_for(village, reader):
    publish_visit(village)
    phone = village.phone("a")
    typed = ['=HYPERLINK("x")', "-3.5", "\uff1d1", ' "kutip",\nbaris; ']
    for value in typed:
        escaped = value.replace("\n", "&#10;").replace('"', "&quot;")
        send(phone, filled(new_id(), nama=escaped))
        village.pass_time()
    assert [one["nama"] for one in root(reader)] == typed[::-1]
    safe = [one["nama"] for one in root(reader, safe="excel")]
    assert safe == [typed[3], f"'{typed[2]}", "-3.5", f"'{typed[0]}"]


@on_sqlite
def test_a_filter_leaves_out_what_it_says(village, reader):
    publish_visit(village)
    a, b = village.phone("a"), village.phone("b")
    old, new, mended = new_id(), new_id(), new_id()
    send(a, filled(old))
    village.pass_time()
    send(b, filled(new))
    first, second = (reader.facts(one)["createdAt"] for one in (old, new))
    village.pass_time()
    text = filled(mended).replace(b"</meta>", f"<deprecatedID>{old}</deprecatedID></meta>".encode())
    send(b, text)

    def kept(said: str) -> set[str]:
        return {one["KEY"] for one in root(reader, **{"$filter": said})}

    wanted = {
        "": {old, new},
        f"__system/submissionDate gt {first}": {new},
        f"__system/submissionDate  le {first.replace('Z', '+00:00')}": {old},
        "__system/submissionDate lt 2020-01-01": set(),
        f"__system/submitterId eq {a.actor_id}": {old},
        f"__system/submitterId ne {a.actor_id} and __system/submissionDate eq {second}": {new},
        "__system/updatedAt eq null": {new},
        "__system/updatedAt ge 2020-01-01T00:00:00Z": {old},
        "__system/reviewState eq 'edited'": {old},
        "__system/reviewState ne 'edited'": {new},
    }
    assert {said: kept(said) for said in wanted} == wanted
    url = f"{reader.base}/visit/submissions.csv?$filter=__system/submissionDate le {first[:-1]}"
    assert len(table(reader.api.get(f"{url}+00:00", buffered=True).data)) == 1
    assert (
        len(
            table(
                unzipped(reader, **{"$filter": f"__system/submitterId eq {a.actor_id}"})[
                    "visit.csv"
                ]
            )
        )
        == 1
    )


REFUSED = (
    ("$filter", "year(__system/submissionDate) eq 2026"),
    ("$filter", "nama eq 'Siti'"),
    ("$filter", "__system/submitterId eq 1 or __system/submitterId eq 2"),
    ("$filter", "not __system/submitterId eq 1"),
    ("$filter", "__system/submissionDate gt kemarin"),
    ("$filter", "__system/submissionDate gt 2026-11-21T03:00:00"),
    ("$filter", "__system/reviewState eq edited"),
    ("$filter", "x" * 2000),
    ("$top", "5"),
    ("7", "a passphrase"),
    ("groupPaths", "no"),
    ("safe", "libreoffice"),
)


@on_sqlite
def test_what_is_not_understood_is_refused_and_not_left_aside(village, reader):
    publish_visit(village)
    for name, value in REFUSED:
        for ending in ("csv", "csv.zip"):
            refused = fetch(reader, f"visit/submissions.{ending}", **{name: value})
            told = refused.get_json()
            assert (refused.status_code, told["details"]["field"]) == (400, name), value
    assert root(reader, filter="", **{"$filter": ""}) == []


@on_sqlite
def test_it_is_for_managers_alone_and_of_what_is_there(village, reader):
    publish_visit(village)
    project = village.project.id
    manager = reader.api.person("kepala@example.org", "manager", project)
    viewer = reader.api.person("bidan@example.org", "viewer", project)
    elsewhere = reader.api.done("POST", "/projects", {"name": "Lain"})["id"]
    for ending in ("csv", "csv.zip"):
        path = f"visit/submissions.{ending}"
        assert fetch(reader, path, manager).status_code == 200
        assert fetch(reader, path, viewer).status_code == 403
        assert fetch(reader, path, Api(village.client)).status_code == 401
        assert fetch(reader, f"lain/submissions.{ending}").status_code == 404
        away = f"/projects/{elsewhere}/forms/{path}"
        assert reader.api.get(away).status_code == 404
        assert manager.get(away).status_code == 403
        assert reader.api.call("HEAD", away).status_code == 404
        assert reader.api.delete(f"{reader.base}/{path}").status_code == 405
    assert viewer.get(f"{reader.base}/visit/submissions/keys").status_code == 403


@on_sqlite
def test_a_client_that_asks_for_keys_and_posts_passphrases_gets_what_can_be_read(village, reader):
    publish_visit(village)
    send(village.phone("a"), filled(new_id()))
    assert reader.api.done("GET", f"{reader.base}/visit/submissions/keys") == []
    for ending in ("csv", "csv.zip"):
        path = f"{reader.base}/visit/submissions.{ending}"
        fetched = reader.api.get(path, buffered=True)
        same = {"If-None-Match": fetched.headers["ETag"]}
        for body in ({}, {"data": "{}", "content_type": "application/json"}):
            posted = reader.api.call("POST", path, headers=same, buffered=True, **body)
            assert (posted.status_code, posted.data) == (200, fetched.data)
        for body in ({"json": {"1": "rahasia"}}, {"data": {"1": "rahasia"}}):
            refused = reader.api.call("POST", path, **body)
            assert refused.status_code == 400
            assert "rahasia" not in refused.text


@on_sqlite
def test_so_many_are_written_at_once_and_the_others_come_later(village, reader, monkeypatch):
    publish_visit(village)
    monkeypatch.setattr(submissions_csv, "_writing", BoundedSemaphore(1))
    monkeypatch.setattr(submissions_csv, "_WAIT_SECONDS", 0.01)
    path = "visit/submissions.csv"
    tag = fetch(reader, path).headers["ETag"]
    with submissions_csv._writing:
        busy = fetch(reader, path)
        assert (busy.status_code, "Retry-After" in busy.headers) == (503, True)
        has_it = reader.api.get(f"{reader.base}/{path}", headers={"If-None-Match": tag})
        assert has_it.status_code == 304
    assert fetch(reader, path).status_code == 200


@on_sqlite
def test_a_form_may_be_called_anything(village, reader):
    names = ["visit", *(name for name, _ in NAMES), "x/submissions.csv", "submissions.csv", "a.csv"]
    phone, sent = village.phone("a"), {}
    for name in names:
        publish_form(village, form_of(name, "1"))
        sent[name] = new_id()
        answers: dict[str, Any] = {"form": quote_attribute(name)}
        assert send(phone, filled(sent[name], **answers)).status_code == 201, name
    assert {name: [one["KEY"] for one in root(reader, name)] for name in names} == {
        name: [key] for name, key in sent.items()
    }
    for name in names:
        with zipfile.ZipFile(
            io.BytesIO(fetch(reader, f"{quote(name, safe='')}/submissions.csv.zip").data)
        ) as archive:
            (member,) = archive.namelist()
            assert "/" not in member
            assert table(archive.read(member))[0]["KEY"] == sent[name]


def quote_attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;")
