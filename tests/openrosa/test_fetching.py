"""What phones fetch: tags that hold, names of any characters, and no list that is short."""

from __future__ import annotations

import uuid

import pytest

from sync_server.errors import StoreBusy
from tests.openrosa.asking import LIST, OURS, REFUSED, XML, Ask, Told, check
from tests.openrosa.nasty import FILES, NAMES, form_of, listed, publish_nasty, walk
from tests.support.promises import promise

FETCHED = (
    "formList",
    "forms/ukur.xml",
    "forms/ukur/versions/1/manifest",
    LIST,
    "forms/gambar/versions/1/attachments/ada.png",
    f"datasets/anak/integrity?id={OURS}",
)
BUILDERS = ("forms.form_list", "forms.manifest", "attachments.list_csv", "attachments.integrity")


@promise("O1", "O3", "O5", "O10", "O29")
@pytest.mark.parametrize("path", FETCHED)
def test_what_a_phone_has_is_said_to_be_so_before_anything_is_built(posyandu, monkeypatch, path):
    first, head, again = (posyandu.ask(Ask(path, method)) for method in ("GET", "HEAD", "GET"))
    assert (first.status_code, first.data) == (200, again.data)
    tag = first.headers["ETag"]
    assert not tag.startswith("W/")
    assert head.headers["ETag"] == again.headers["ETag"] == tag
    for builder in BUILDERS:
        monkeypatch.delattr(f"sync_server.openrosa.{builder}")
    for held in (tag, f"W/{tag}", f'"other", {tag}'):
        unchanged = posyandu.ask(Ask(path, headers={"If-None-Match": held}))
        assert (unchanged.status_code, unchanged.data) == (304, b"")
        for answer in (first, unchanged):
            assert answer.headers["ETag"] == tag
            assert answer.headers["Cache-Control"] == "private, no-cache"
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert answer.headers["X-OpenRosa-Version"] == "1.0"
            assert "Set-Cookie" not in answer.headers


@promise("O3", "O8")
@pytest.mark.parametrize("path", FETCHED)
def test_what_is_wanted_only_as_it_was_is_refused_once_it_is_another(posyandu, path):
    tag = posyandu.ask(Ask(path)).headers["ETag"]
    for held, status in (
        (tag, 200),
        ("*", 200),
        (f'"x", {tag}', 200),
        ('"x"', 412),
        (f"W/{tag}", 412),
    ):
        answer = posyandu.ask(Ask(path, headers={"If-Match": held, "Range": "bytes=0-3"}))
        check(answer, Told(status, REFUSED if status == 412 else {}))


@promise("O4")
@pytest.mark.parametrize("path", ["formList", "forms/ukur.xml"])
def test_text_is_packed_for_who_asks(posyandu, path):
    packed = posyandu.ask(Ask(path, headers={"Accept-Encoding": "gzip"}))
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(posyandu.ask(Ask(path)).data) / 2


@promise("O12", "O14", "O23", "O24", "O27", "O31")
def test_names_may_have_any_characters(posyandu):
    publish_nasty(posyandu.village)

    def fetch(url: str) -> bytes:
        answer = posyandu.village.client.get(url)
        assert answer.status_code == 200, url
        assert int(answer.headers["Content-Length"]) == len(answer.data)
        return answer.data

    found = walk(fetch, f"{posyandu.phone.base}/formList")
    for name in NAMES:
        xml = form_of(*name, *FILES, title=f"<{name[0]}> & {name[1]}")
        assert found[name] == {"": xml, **{file: file.encode() for file in FILES}}
    assert len(NAMES) == len(set(NAMES) & set(found))
    assert [one.manifest for one in listed(fetch(f"{posyandu.phone.base}/formList?formID=daftar"))]


@promise("O8", "O9", "O26")
@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [(RuntimeError("Siti"), 500, "Ada gangguan"), (StoreBusy("x"), 503, "Server sedang sibuk.")],
    ids=["bug", "busy"],
)
@pytest.mark.parametrize("where", ["forms.list_open_forms", "forms.form_list"])
def test_a_list_that_cannot_be_made_is_no_short_list(
    posyandu, monkeypatch, where, fault, status, words
):
    def fail(*_args: object) -> None:
        raise fault

    monkeypatch.setattr(f"sync_server.openrosa.{where}", fail)
    answer = posyandu.ask(Ask("formList"))
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, XML)
    assert words in answer.text
    assert "Siti" not in answer.text
    assert "ETag" not in answer.headers
    assert int(answer.headers.get("Retry-After", 0)) > 0 or status == 500


@promise("O34")
def test_a_version_rises_by_one_with_each_change(posyandu):
    phone, child = posyandu.phone, str(uuid.uuid4())
    phone.sync()
    sent = [phone.register(child, nama="Budi", posyandu="melati")]
    sent += [phone.measure(child, rt=str(n)) for n in range(3)]
    for version, xml in enumerate(sent, start=1):
        phone.send(xml)
        answer = posyandu.ask(Ask(LIST))
        (row,) = (line for line in answer.text.split("\n") if line.startswith(child))
        assert row.split(",")[2] == str(version)
