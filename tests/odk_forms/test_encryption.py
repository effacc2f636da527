"""Encrypted forms are opened byte for byte as the phone locked them, and by no other key."""

import io
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from odk_forms.encryption import (
    DecryptionError,
    envelope_of,
    open_envelope,
    plaintext_beside,
    private_key,
)
from tests.odk_forms.locker import Locked, lock, pem

INNER = "<data id='visit'><nama>Sìti 😀</nama>\r\n</data>".encode()
MEDIA = tuple((f"{n}.jpg", bytes([n]) * size) for n, size in enumerate((0, 1, 15, 16, 17, 70_000)))
MANY = tuple((f"{n}.jpg", b"%d" % n) for n in range(40))  # more than the seed has bytes


def opened(locked: Locked, owner="bidan", *, without=(), raw=None):
    found: dict[str, bytes] = {}

    def source(name):
        held = locked.files.get(name)
        return None if held is None or name in without else io.BytesIO(held)

    report = open_envelope(
        envelope_of(raw or locked.xml),
        private_key(pem(owner)),
        source,
        lambda name, pieces: found.update({name: b"".join(pieces)}),
    )
    return report, found


@pytest.mark.parametrize("media", [(), MEDIA, MANY], ids=["form-alone", "sizes", "many"])
def test_every_file_is_as_it_was_on_the_phone(media):
    report, found = opened(lock("uuid:1", INNER, media))
    assert found == {**dict(media), "submission.xml": INNER}
    assert (report.missing, report.broken, report.signed) == ([], [], True)


@pytest.mark.parametrize(
    "how",
    [
        {"version": ""},
        {"inside": hashes.SHA1},
        {"namespace": "http://opendatakit.org/submissions"},
        {"form": "kunjungan ibu", "version": "1.10 ñ"},
    ],
    ids=["no-version", "another-oaep", "namespace-of-the-specification", "words"],
)
def test_what_phones_and_the_specification_vary(how):
    report, found = opened(lock("uuid:ñ", INNER, MEDIA[:2], **how))
    assert found["submission.xml"] == INNER
    assert report.signed is True


@pytest.mark.parametrize("gone", range(4))
def test_a_missing_file_keeps_its_place(gone):
    name = MEDIA[gone][0]
    report, found = opened(lock("uuid:1", INNER, MEDIA), without={f"{name}.enc"})
    assert found == {**{n: d for n, d in MEDIA if n != name}, "submission.xml": INNER}
    assert (report.missing, report.signed) == ([name], None)


def test_a_blank_name_keeps_its_place_too():
    locked = lock("uuid:1", INNER, MEDIA)
    raw = locked.xml.replace(b"<file>1.jpg.enc</file>", b"<file/>")
    report, found = opened(locked, raw=raw)
    assert found["2.jpg"] == MEDIA[2][1]
    assert (found["submission.xml"], report.missing) == (INNER, [""])


def test_a_form_that_is_missing_keeps_no_photo_back():
    report, found = opened(lock("uuid:1", INNER, MEDIA), without={"submission.xml.enc"})
    assert found == dict(MEDIA)
    assert report.missing == ["submission.xml"]


@pytest.mark.parametrize("spoiled", [b"", b"short", None], ids=["empty", "short", "last-block"])
def test_a_damaged_file_spoils_no_other(spoiled):
    locked = lock("uuid:1", INNER, MEDIA)
    data = locked.files["3.jpg.enc"]
    locked.files["3.jpg.enc"] = data[:-1] + bytes([data[-1] ^ 0x55]) if spoiled is None else spoiled
    report, found = opened(locked)
    assert (report.broken, report.signed) == (["3.jpg"], None)
    assert found == {**{n: d for n, d in MEDIA if n != "3.jpg"}, "submission.xml": INNER}


def test_bytes_that_were_exchanged_are_not_signed():
    locked = lock("uuid:1", INNER)
    raw = locked.xml.replace(b'version="1"', b'version="2"')
    assert opened(locked, raw=raw)[0].signed is False


def test_another_key_opens_nothing():
    with pytest.raises(DecryptionError, match="locked with another"):
        opened(lock("uuid:1", INNER, MEDIA), owner="somebody else")


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"<data id='visit'/>", "not encrypted"),
        (b"<data id='visit' encrypted='yes'/>", "no key"),
        (
            b"<data id='visit' encrypted='yes'><base64EncryptedKey>x</base64EncryptedKey></data>",
            "no key",
        ),
    ],
)
def test_what_is_no_envelope(raw, word):
    with pytest.raises(DecryptionError, match=word):
        envelope_of(raw)


def test_a_key_that_is_no_base64_is_another_key():
    envelope = replace(envelope_of(lock("uuid:1", INNER).xml), locked_key="%%%")
    with pytest.raises(DecryptionError, match="another"):
        open_envelope(envelope, private_key(pem("bidan")), lambda _: None, lambda *_: None)


def test_keys_are_pem_of_rsa_with_their_passphrase():
    assert private_key(pem("bidan", "melati"), "melati")
    curve = ec.generate_private_key(ec.SECP256R1())
    other = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content, word in (
        (pem("bidan", "melati"), "mawar"),
        (pem("bidan", "melati"), ""),
        (pem("bidan"), "melati"),
        (b"no key", ""),
        (other, ""),
    ):
        with pytest.raises(DecryptionError):
            private_key(content, word)


def test_what_stands_unencrypted_beside_is_named():
    assert plaintext_beside(["1.jpg.enc", "1.jpg", "submission.xml.enc"]) == ("1.jpg",)
