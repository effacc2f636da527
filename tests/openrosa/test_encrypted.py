"""Encrypted forms at the door: taken whole, marked, opened by their owner, in nobody's way."""

import io
import json
import logging
import zipfile

import pytest

from tests.commands.conftest import simpul as simpul
from tests.odk_forms.locker import Locked, lock, pem, public_key
from tests.openrosa.okhttp import VISIT, Reader, filled, new_id, publish_visit, send
from tests.support.promises import promise

OWNER = pem("bidan")


SECRET = VISIT.replace("| version |", "| version | public_key |").replace(
    "| 1       |", f"| 1 | {public_key('bidan')} |"
)


@pytest.fixture
def reader(village):
    publish_visit(village, SECRET)
    return Reader(village)


def visit(nama: str, **how) -> tuple[bytes, Locked]:
    """A filled visit with two photos, and what a phone sends of it."""
    instance = new_id()
    inner = filled(instance, nama=nama, foto="1.jpg", kedua="../dua.jpg")
    media = [("1.jpg", f"foto {nama}".encode() * 50), ("../dua.jpg", b"")]
    return inner, lock(instance, inner, media, **how)


def post(phone, locked: Locked, *more: tuple[str, bytes], without=(), complete=True):
    files = [one for one in locked.files.items() if one[0] not in without]
    return send(phone, locked.xml, *files, *more, complete=complete)


def decrypt(reader, instance: str, key: bytes = OWNER, passphrase: str = "", **how):
    sent = {"privateKey": key.decode(), "passphrase": passphrase}
    return reader.api.post(f"{reader.path(instance)}/decrypt", sent, buffered=True, **how)


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@promise("O68", "O69", "O70")
def test_two_encrypted_forms_and_a_plain_one(village, reader, phone):
    (inner, locked), (other_inner, other) = visit("Siti"), visit("Budi", owner="somebody else")
    plain = new_id()
    names = list(locked.files)
    assert public_key("bidan") in phone.get("forms/visit.xml").text
    # In three POSTs, the last photo first; between them another's, and a plain form.
    assert post(phone, locked, without=names[0], complete=False).status_code == 201
    assert post(phone, other).status_code == 201
    assert send(phone, filled(plain), ("audit.csv", b"event\n")).status_code == 201
    facts = reader.facts(locked.instance)
    assert (facts["encrypted"], facts["missing"]) == (True, [names[0]])
    assert post(phone, locked, without=names[1:]).status_code == 201
    facts = reader.facts(locked.instance)
    assert (facts["complete"], facts["missing"], facts["plaintextBeside"]) == (True, [], [])
    assert reader.xml(locked.instance) == locked.xml
    assert [reader.facts(one)["encrypted"] for one in (other.instance, plain)] == [True, False]
    assert not village.quarantine()

    answer = decrypt(reader, locked.instance)
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    found = unzipped(answer.data)
    folder = locked.instance.removeprefix("uuid:")
    assert found.pop(f"{folder}/submission.xml") == inner
    assert found.pop(f"{folder}/1.jpg") == b"foto Siti" * 50
    (contents,) = json.loads(found.pop("contents.json"))
    assert (contents["signed"], contents["missing"], contents["broken"]) == (True, [], [])
    ((name, data),) = found.items()  # the name of a path is none in the zip
    assert contents["files"][name.removeprefix(f"{folder}/")] == "../dua.jpg"
    assert (data, ".." in name.split("/"), name.count("/")) == (b"", False, 1)

    assert decrypt(reader, other.instance).status_code == 400
    found = unzipped(decrypt(reader, other.instance, pem("somebody else")).data)
    assert other_inner in found.values()


@promise("O68")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_an_edit_and_a_resend_are_as_of_any_form(reader, phone):
    _, locked = visit("Siti")
    for _ in range(2):
        assert post(phone, locked).status_code == 201
    assert reader.count() == 1
    _, second = visit("Sita", form="visit", version="kemarin")
    assert post(phone, second).status_code == 201
    assert reader.facts(second.instance)["versionUnknown"] is True
    changed = Locked(locked.xml.replace(b"1.jpg", b"9.jpg"), locked.instance, locked.files)
    assert post(phone, changed).status_code == 202


@promise("O68")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_what_a_phone_that_failed_left_unencrypted_is_taken_and_marked(reader, phone):
    inner, locked = visit("Siti")
    assert post(phone, locked, ("1.jpg", b"plain"), ("lama.xml", inner)).status_code == 201
    facts = reader.facts(locked.instance)
    assert facts["plaintextBeside"] == ["1.jpg", "lama.xml"]
    files = reader.files(locked.instance)
    assert {name for name, row in files.items() if row["referenced"]} == set(locked.files)


@promise("O69")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_wrong_key_or_passphrase_is_a_plain_error_and_no_key_is_told(reader, phone, caplog):
    _, locked = visit("Siti")
    post(phone, locked)
    plain = new_id()
    send(phone, filled(plain))
    sealed = pem("bidan", "melati putih")
    with caplog.at_level(logging.DEBUG):
        refused = [
            decrypt(reader, locked.instance, pem("somebody else")),
            decrypt(reader, locked.instance, b"no key at all"),
            decrypt(reader, locked.instance, sealed, "mawar"),
            decrypt(reader, plain),
            decrypt(reader, locked.instance, environ_base={"REMOTE_ADDR": "10.0.0.9"}),
        ]
    assert [one.status_code for one in refused] == [400] * 5
    secrets = [OWNER.decode().splitlines()[3], sealed.decode().splitlines()[3], "mawar"]
    told = caplog.text + "".join(one.text for one in refused)
    assert not [one for one in secrets if one in told]
    assert decrypt(reader, locked.instance, sealed, "melati putih").status_code == 200
    assert decrypt(reader, new_id()).status_code == 404
    viewer = reader.api.person("bidan@example.org", "viewer", phone.village.project.id)
    path = f"{reader.path(locked.instance)}/decrypt"
    assert viewer.post(path, {"privateKey": OWNER.decode()}).status_code == 403


@promise("O69")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_the_command_opens_all_of_a_form_and_says_what_is_missing(reader, phone, simpul, tmp_path):
    (first, locked), (second, short) = visit("Siti"), visit("Budi")
    post(phone, locked)
    post(phone, short, without=["1.jpg.enc"])
    post(phone, visit("Ani", owner="somebody else")[1])
    send(phone, filled(new_id()))
    key, out = tmp_path / "bidan.pem", tmp_path / "terbuka.zip"
    key.write_bytes(pem("bidan", "melati"))
    asked = ("submission", "decrypt", "visit", "--key", key, "--passphrase", "--output", out)
    assert simpul(*asked, input="mawar\n").exit_code == 1
    assert not out.exists()
    done = simpul(*asked, "--json", input="melati\n")
    assert done.exit_code == 1  # not every one was opened, and not the whole of one
    told = {one["instanceId"]: one for one in json.loads(done.stdout.splitlines()[-1])}
    assert len(told) == 3
    assert (told[locked.instance]["signed"], told[locked.instance]["missing"]) == (True, [])
    assert (told[short.instance]["signed"], told[short.instance]["missing"]) == (None, ["1.jpg"])
    found = unzipped(out.read_bytes())
    assert {first, second} <= set(found.values())
    alone = tmp_path / "satu.zip"
    done = simpul(
        *("submission", "decrypt", "visit", locked.instance, "--key", key, "--passphrase"),
        *("--output", alone),
        input="melati\n",
    )
    assert done.exit_code == 0, done.output
    assert "3 files" in done.output
    assert first in unzipped(alone.read_bytes()).values()
    again = simpul(*asked, input="melati\n")  # what is there is not written over
    assert again.exit_code == 1
    assert "Traceback" not in again.stderr
