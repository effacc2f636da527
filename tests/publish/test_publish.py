"""What publishing writes, what it refuses, and where it says the trouble is."""

import hashlib
import io
import zipfile

import pytest
from sqlalchemy import func, select

from sync_server.accounts.people import get_project
from sync_server.context import context
from sync_server.db import read_transaction, write_transaction
from sync_server.errors import BadForm, BadValue, NotFound, VersionTaken
from sync_server.intake.arrival import Author, SentSubmission
from sync_server.intake.ingest import ingest
from sync_server.models.forms import Form, FormAttachment, FormVersion
from sync_server.models.records import QuarantineRow, RecordRow
from sync_server.publishing import publish
from sync_server.publishing.form_files import attach
from sync_server.stores.forms import (
    find_source,
    find_version,
    list_form_attachments,
    list_forms,
    list_open_forms,
    list_versions,
    load_definitions,
)
from tests.publish.desk import checked, weighing

PLAIN = """
| settings |
|          | form_id | form_title | version |
|          | gambar  | Gambar     | {version} |
| survey   |
|          | type                       | name | label | media::image |
|          | note                       | n    | Lihat | logo.png     |
|          | select_one_from_file {file} | p    | Pilih |              |
"""


def pictures(version="1", file="anak.csv"):
    return PLAIN.format(version=version, file=file)


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def attachments(desk, form_id, version):
    with read_transaction() as connection:
        rows = list_form_attachments(connection, desk.project_id, form_id, version)
    return {row.name: row for row in rows}


def counts():
    with read_transaction() as connection:
        return [
            connection.execute(select(func.count()).select_from(model)).scalar_one()
            for model in (Form, FormVersion, FormAttachment)
        ]


def refused(desk, table, **options):
    before = counts()
    with pytest.raises(BadForm) as caught:
        desk.publish(table, **options)
    assert counts() == before
    return caught.value


def test_a_version_is_kept_byte_for_byte_under_its_md5(desk):
    done = desk.publish(weighing())

    with read_transaction() as connection:
        row = find_version(connection, desk.project_id, "pengukuran")
        source = find_source(connection, desk.project_id, "pengukuran", "2026112101")
        definition = load_definitions(connection, desk.project_id, [row.hash])[row.hash]
    assert row.xml == checked(weighing()).xml
    assert row.hash == done.hash == md5(row.xml)
    assert (row.version, row.serial, row.name, row.state) == ("2026112101", 1, "Pengukuran", "open")
    assert source == weighing().encode()
    assert definition == checked(weighing()).definition


def test_an_xform_is_published_as_it_is(desk):
    xml = checked(weighing()).xml.replace(b"?>", b"?><!-- ditulis tangan -->")

    publish.publish(desk.project_id, xml, "form.xml", by=None, clock=desk.clock)

    with read_transaction() as connection:
        assert find_version(connection, desk.project_id, "pengukuran").xml == xml


def test_lists_and_properties_are_made_in_the_order_of_the_form(desk):
    done = desk.publish(weighing(bb="latest(tgl)"))

    info = desk.info()
    assert done.lists == ("anak",)
    assert info.properties == ("tgl", "bb", "nik")
    assert [str(info.policies.of(name)) for name in info.properties] == [
        "review",
        "latest(tgl)",
        "first",
    ]
    assert info.phone_properties == ("tgl", "bb")


def test_the_same_form_again_changes_nothing_and_says_so(desk):
    first = desk.publish(weighing())
    before, serial = counts(), desk.info().schema_serial
    desk.clock.pass_days(1)

    again = desk.publish(weighing())

    assert (first.unchanged, again.unchanged) == (False, True)
    assert again.hash == first.hash
    assert counts() == before
    assert desk.info().schema_serial == serial
    assert len(desk.journal()) == 1


def test_a_new_version_is_what_phones_are_handed(desk):
    desk.publish(weighing("2026112101"))
    desk.publish(weighing("2026112102", more="| | text | rt | RT | rt | last | |\n"))

    with read_transaction() as connection:
        (listed,) = list_open_forms(connection, desk.project_id)
        older = find_version(connection, desk.project_id, "pengukuran", "2026112101")
        versions = [v.version for v in list_versions(connection, desk.project_id, "pengukuran")]
        (form,) = list_forms(connection, desk.project_id)
    assert (listed.version, listed.has_media) == ("2026112102", False)
    assert older.serial == 1
    assert versions == ["2026112102", "2026112101"]
    assert form.version == "2026112102"
    assert desk.info().properties == ("tgl", "bb", "nik", "rt")


def test_other_bytes_under_a_published_version_are_refused_with_the_next_free_one(desk):
    desk.publish(weighing("2026112101"))
    desk.publish(weighing("2026112107"))

    with pytest.raises(VersionTaken) as caught:
        desk.publish(weighing("2026112101", bb="last"), confirm_policies=True)

    assert caught.value.details["suggestion"] == "2026112108"
    assert caught.value.details["messages"][0]["cell"] == "settings!C2"


def test_a_suggested_version_begins_with_the_day_it_is_where_the_cadres_are(desk):
    desk.publish(weighing("v1"))
    desk.clock.pass_seconds(15 * 3600)  # 18:00 UTC: the next day in Jakarta

    with pytest.raises(VersionTaken) as caught:
        desk.publish(weighing("v1", bb="last"), confirm_policies=True)

    assert caught.value.details["suggestion"] == "2026112201"


def test_a_file_is_linked_to_its_list_or_given_or_missing(desk):
    desk.publish(weighing())

    done = desk.publish(pictures(), attachments={"logo.png": b"PNG"})

    rows = attachments(desk, "gambar", "1")
    assert done.missing == ()
    assert (rows["anak.csv"].list_name, rows["anak.csv"].sha256) == ("anak", None)
    logo = rows["logo.png"]
    assert (logo.type, logo.content_type) == ("image", "image/png")
    assert logo.md5 == md5(b"PNG")
    assert context().blobs.read(logo.sha256) == b"PNG"
    with read_transaction() as connection:
        listed = {row.xml_form_id: row for row in list_open_forms(connection, desk.project_id)}
    assert (listed["gambar"].has_media, listed["pengukuran"].has_media) == (True, False)


def test_a_missing_file_is_named_and_may_be_given_later(desk):
    done = desk.publish(pictures())
    assert set(done.missing) == {"anak.csv", "logo.png"}

    attach(desk.project_id, "gambar", "logo.png", b"PNG", by=None, clock=desk.clock)
    again = desk.publish(pictures(), attachments={"logo.png": b"PNG2"})

    assert again.unchanged
    assert again.missing == ("anak.csv",)
    assert attachments(desk, "gambar", "1")["logo.png"].md5 == md5(b"PNG2")


def test_a_file_that_waited_for_a_list_is_linked_when_the_list_is_made(desk):
    desk.publish(pictures())

    desk.publish(weighing())

    assert attachments(desk, "gambar", "1")["anak.csv"].list_name == "anak"


def test_a_file_is_carried_over_to_the_next_version(desk):
    desk.publish(pictures("1"), attachments={"logo.png": b"PNG"})

    done = desk.publish(pictures("2"))

    assert done.missing == ("anak.csv",)
    assert attachments(desk, "gambar", "2")["logo.png"].md5 == md5(b"PNG")


def test_what_a_form_does_not_expect_cannot_be_attached(desk):
    error = refused(desk, pictures(), attachments={"Logo.png": b"PNG"})
    assert "logo.png" in error.message

    desk.publish(weighing())
    assert "entity list" in refused(desk, pictures(), attachments={"anak.csv": b"x"}).message
    desk.publish(pictures())
    with pytest.raises(BadValue):
        attach(desk.project_id, "gambar", "anak.csv", b"x", by=None, clock=desk.clock)
    with pytest.raises(NotFound):
        attach(desk.project_id, "gambar", "x.png", b"x", by=None, clock=desk.clock)


def test_a_form_that_says_nothing_leaves_the_policy(desk):
    desk.publish(weighing(bb="latest(tgl)"))

    desk.publish(weighing("2", form_id="lain", bb=""))

    assert str(desk.info().policies.of("bb")) == "latest(tgl)"


def test_another_policy_needs_to_be_confirmed(desk):
    desk.publish(weighing(bb="last"))

    error = refused(desk, weighing("2026112102", bb="max"))

    assert error.details["policies"] == [
        {"list": "anak", "property": "bb", "old": "last", "new": "max"}
    ]
    (message,) = error.details["messages"]
    assert message["cell"] == "survey!E3"
    assert all(word in message["text"] for word in ("bb", "last", "max"))

    desk.publish(weighing("2026112102", bb="max"), confirm_policies=True)
    assert str(desk.info().policies.of("bb")) == "max"


def test_showing_phones_what_was_kept_off_them_needs_to_be_confirmed(desk):
    desk.publish(weighing())
    open_nik = weighing("2026112102").replace("| no  ", "| yes ")

    (message,) = refused(desk, open_nik).details["messages"]

    assert message["cell"] == "survey!F4"
    assert desk.info().phone_properties == ("tgl", "bb")


def test_properties_that_differ_only_by_case_are_refused_by_cell(desk):
    desk.publish(weighing())

    (message,) = refused(desk, weighing("2", nik="NIK")).details["messages"]

    assert (message["sheet"], message["row"], message["column"]) == ("survey", 4, "D")
    assert "'NIK' and 'nik'" in message["text"]


def test_lists_that_differ_only_by_case_are_refused_by_cell(desk):
    desk.publish(weighing())
    other = weighing("2").replace("| anak   ", "| Anak   ")

    (message,) = refused(desk, other).details["messages"]

    assert message["cell"] == "entities!A2"


def test_a_broken_form_names_sheet_and_cell():
    with pytest.raises(BadForm) as caught:
        publish.check(weighing().replace("decimal", "desimal").encode(), "form.md")

    (message,) = caught.value.details["messages"]
    assert message["cell"] == "survey!A3"
    assert caught.value.message.startswith("survey!A3: ")


def test_a_zip_bomb_and_a_doctype_are_refused():
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (60 * 1024 * 1024))
    doctype = b'<!DOCTYPE h [<!ENTITY x SYSTEM "file:///etc/passwd">]><html>&x;</html>'

    for content, name in ((bomb.getvalue(), "form.xlsx"), (doctype, "form.xml")):
        with pytest.raises(BadForm) as caught:
            publish.check(content, name)
        assert caught.value.details["messages"]


def test_there_is_no_publishing_into_a_project_that_is_not_there(desk):
    with pytest.raises(NotFound):
        publish.publish_checked(999, checked(weighing()), by=None, clock=desk.clock)


def test_nothing_is_written_when_the_last_step_fails(desk, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("the power went")

    monkeypatch.setattr(publish, "alter_lists", fail)
    before = counts()

    with pytest.raises(RuntimeError):
        desk.publish(weighing(), attachments={})

    assert counts() == before


def test_what_came_before_its_form_is_taken_in_when_the_form_is_published(desk):
    form = weighing()
    xml = (
        '<data xmlns:jr="http://openrosa.org/javarosa" id="pengukuran" version="2026112101">'
        "<tgl>2026-11-20</tgl><bb>9.1</bb><nik>1</nik><meta><instanceID>uuid:1</instanceID>"
        '<entity dataset="anak" id="5f1e6f0a-6f0d-4c0e-9d53-0c5a3a1b7e01" create="1">'
        "<label>Siti</label></entity></meta></data>"
    )
    project = get_project(desk.project_id)
    ingest(project, [SentSubmission(xml.encode())], author=Author(None), clock=desk.clock)

    desk.publish(form)

    with write_transaction() as connection:
        states = connection.execute(select(QuarantineRow.state)).scalars().all()
        labels = connection.execute(select(RecordRow.label)).scalars().all()
    assert (states, labels) == (["resolved"], ["Siti"])
