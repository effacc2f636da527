"""Encrypted submissions: opened with the owner's private key, as ODK Collect locked them.

Source: openrosa.md section 8. Each submission has an AES key of its own, locked by RSA-OAEP with
the form's public key. Its files are AES-256 in CFB, padded as PKCS5 says; each has another IV,
that goes on from the one before it, so a file that is not here must be counted all the same.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from odk_forms.instance import read
from odk_forms.xml import child, content, local

SUFFIX = ".enc"
FORM_NAME = "submission.xml"
_BLOCK = 16
_CHUNK = 1 << 16

Source = Callable[[str], IO[bytes] | None]
"""The bytes of a file by the name that the submission has for it; None when it is not here."""


class DecryptionError(ValueError):
    """What cannot be opened; the sentence says why, and never what the key is."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What can be read of an encrypted submission without a key.

    `files` are the names of its encrypted files in the order of their IVs, the form last.
    """

    xml_form_id: str
    version: str
    instance_id: str
    locked_key: str
    files: tuple[str, ...]
    signature: str


@dataclass(slots=True)
class Report:
    """What came of opening: names as they were on the phone; `signed` is None where it cannot be
    said, because files are missing or there is no signature."""

    opened: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    signed: bool | None = None


def plaintext_beside(names: Iterable[str]) -> tuple[str, ...]:
    """The files beside an encrypted form that are not encrypted: a phone that failed half-way."""
    return tuple(one for one in names if not one.endswith(SUFFIX))


def envelope_of(raw: bytes) -> Envelope:
    """The envelope of an encrypted submission's XML.

    Errors    `DecryptionError` for one that is not encrypted, or names no key or form.
    """
    instance = read(raw)
    root = instance.root
    if not instance.encrypted:
        raise DecryptionError("this submission is not encrypted")
    slots = [content(one).strip() for one in root.iter("*") if _is_slot(one)]
    locked, form = _text(root, "base64EncryptedKey"), _text(root, "encryptedXmlFile")
    if not locked or not form:
        raise DecryptionError("this submission names no key, or no encrypted form")
    return Envelope(
        xml_form_id=instance.xml_form_id,
        version=instance.version,
        instance_id=instance.instance_id,
        locked_key=locked,
        files=(*slots, form),
        signature=_text(root, "base64EncryptedElementSignature"),
    )


def _is_slot(element: Any) -> bool:
    above = element.getparent()
    return local(element.tag) == "file" and above is not None and local(above.tag) == "media"


def _text(root: Any, name: str) -> str:
    found = child(root, name)
    return "" if found is None else content(found).strip()


def private_key(pem: bytes, passphrase: str = "") -> RSAPrivateKey:
    """A private RSA key. Errors: `DecryptionError` for another thing, or a wrong passphrase."""
    try:
        key = load_pem_private_key(pem, passphrase.encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise DecryptionError("this is no private key in PEM, or its passphrase differs") from exc
    if not isinstance(key, RSAPrivateKey):
        raise DecryptionError("this is no RSA key")
    return key


def _unlocked(key: RSAPrivateKey, locked: str) -> bytes | None:
    """What was locked with the public key; None when it was with another one.

    Android's OAEP with SHA-256 has SHA-256 inside too; desktop Java's has SHA-1 there.
    """
    try:
        sealed = base64.b64decode(locked)
    except binascii.Error:
        return None
    for inside in (SHA256(), SHA1()):  # noqa: S303 - what a phone has chosen
        try:
            return key.decrypt(sealed, OAEP(MGF1(inside), SHA256(), None))
        except ValueError:
            continue
    return None


def vectors(instance_id: str, aes_key: bytes) -> Iterator[bytes]:
    """The IV of each file in turn, without end."""
    seed = bytearray(hashlib.md5(instance_id.encode() + aes_key, usedforsecurity=False).digest())
    place = 0
    while True:
        seed[place % len(seed)] = (seed[place % len(seed)] + 1) % 256
        place += 1
        yield bytes(seed)


def unpacked(source: IO[bytes], aes_key: bytes, iv: bytes) -> Iterator[bytes]:
    """The plain bytes of one file, piece by piece, whatever its size.

    Errors    `DecryptionError` at the end, when what came was not locked with this key.
    """
    decryptor = Cipher(AES(aes_key), CFB(iv)).decryptor()
    held = b""
    while piece := source.read(_CHUNK):
        held += decryptor.update(piece)
        yield held[:-_BLOCK]
        held = held[-_BLOCK:]
    held += decryptor.finalize()
    padding = held[-1] if held else 0
    if not 1 <= padding <= _BLOCK or held[-padding:] != bytes([padding]) * padding:
        raise DecryptionError("a file is damaged, or was locked with another key")
    yield held[:-padding]


def open_envelope(
    envelope: Envelope,
    key: RSAPrivateKey,
    source: Source,
    write: Callable[[str, Iterator[bytes]], None],
) -> Report:
    """Open every file that is here; `write(name, pieces)` is given each under its plain name.

    A damaged file spoils no other. `write` sees the error of a damaged one and passes it on.

    Errors    `DecryptionError` when the key is another one; then nothing was written.
    """
    aes_key = _unlocked(key, envelope.locked_key)
    if aes_key is None or len(aes_key) not in (16, 24, 32):
        raise DecryptionError("this key does not open the submission: it was locked with another")
    report, sums = Report(), {}
    for name, iv in zip(envelope.files, vectors(envelope.instance_id, aes_key), strict=False):
        plain = _plain_name(name, envelope)
        stream = source(name) if name else None
        if stream is None:
            report.missing.append(plain)
            continue
        digest = hashlib.md5(usedforsecurity=False)
        with stream:
            try:
                write(plain, _summed(unpacked(stream, aes_key, iv), digest))
            except DecryptionError:
                report.broken.append(plain)
                continue
        report.opened.append(plain)
        sums[plain] = digest.hexdigest()
    report.signed = _is_signed(envelope, key, sums)
    return report


def _plain_name(name: str, envelope: Envelope) -> str:
    return FORM_NAME if name == envelope.files[-1] else name.removesuffix(SUFFIX)


def _summed(pieces: Iterator[bytes], digest: Any) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def signed_text(envelope: Envelope, sums: Mapping[str, str]) -> bytes:
    """What the phone's signature is of: ids and key, and each file with the MD5 of its bytes."""
    head = [envelope.xml_form_id, envelope.version, envelope.locked_key, envelope.instance_id]
    lines = [line for line in head if line]
    lines += [f"{name}::{md5}" for name, md5 in sums.items()]
    return "".join(f"{line}\n" for line in lines).encode()


def _is_signed(envelope: Envelope, key: RSAPrivateKey, sums: Mapping[str, str]) -> bool | None:
    if not envelope.signature or len(sums) < len(envelope.files):
        return None
    digest = hashlib.md5(signed_text(envelope, sums), usedforsecurity=False).digest()
    return _unlocked(key, envelope.signature) == digest
