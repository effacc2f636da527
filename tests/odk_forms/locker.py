"""A phone that encrypts its forms, written from the format's description and not from our reader.

AES in CFB is made here of single blocks, so that a mistake in how a library is asked for it cannot
be made on both sides.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SHA256: type[hashes.HashAlgorithm] = hashes.SHA256
NAMESPACE = "http://www.opendatakit.org/xforms/encrypted"


@cache
def keys(owner: str) -> rsa.RSAPrivateKey:
    """The key pair of an owner, the same for all tests of a process."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(owner: str, passphrase: str = "") -> bytes:
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        lock = serialization.BestAvailableEncryption(passphrase.encode())
    return keys(owner).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock
    )


def public_key(owner: str) -> str:
    """The public half as a form names it in `base64RsaPublicKey`."""
    shape = serialization.PublicFormat.SubjectPublicKeyInfo
    told = keys(owner).public_key().public_bytes(serialization.Encoding.DER, shape)
    return base64.b64encode(told).decode()


@dataclass
class Locked:
    """What a phone sends of an encrypted form: the outer XML, and the files by their names."""

    xml: bytes
    instance: str
    files: dict[str, bytes] = field(default_factory=dict)


def lock(
    instance: str,
    inner: bytes,
    media: Sequence[tuple[str, bytes]] = (),
    *,
    form: str = "visit",
    version: str = "1",
    owner: str = "bidan",
    inside: type[hashes.HashAlgorithm] = SHA256,
    namespace: str = NAMESPACE,
) -> Locked:
    """Encrypt a form and its media, in order, as Collect does when it is finalised."""
    aes = os.urandom(32)
    sealed = _sealed(aes, owner, inside)
    seed = bytearray(hashlib.md5(instance.encode() + aes, usedforsecurity=False).digest())
    signed = [form, *([version] if version else []), sealed, instance]
    files, slots = {}, ""
    for place, (name, data) in enumerate([*media, ("submission.xml", inner)]):
        seed[place % 16] = (seed[place % 16] + 1) & 0xFF
        files[f"{name}.enc"] = _cfb(aes, bytes(seed), data)
        signed.append(f"{name}::{hashlib.md5(data, usedforsecurity=False).hexdigest()}")
        if place < len(media):
            slots += f"<media><file>{name}.enc</file></media>"
    digest = hashlib.md5(_lines(signed), usedforsecurity=False).digest()
    said = f' version="{version}"' if version else ""
    xml = (
        f'<data xmlns="{namespace}" id="{form}"{said} encrypted="yes">'
        f"<base64EncryptedKey>{sealed}</base64EncryptedKey>"
        '<orx:meta xmlns:orx="http://openrosa.org/xforms">'
        f"<orx:instanceID>{instance}</orx:instanceID></orx:meta>{slots}"
        "<encryptedXmlFile>submission.xml.enc</encryptedXmlFile>"
        f"<base64EncryptedElementSignature>{_sealed(digest, owner, inside)}"
        "</base64EncryptedElementSignature></data>"
    )
    return Locked(xml.encode(), instance, files)


def _lines(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _sealed(data: bytes, owner: str, inside: type[hashes.HashAlgorithm]) -> str:
    oaep = padding.OAEP(padding.MGF1(inside()), hashes.SHA256(), None)
    return base64.b64encode(keys(owner).public_key().encrypt(data, oaep)).decode()


def _cfb(key: bytes, iv: bytes, data: bytes) -> bytes:
    left = 16 - len(data) % 16
    data += bytes([left]) * left
    block = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - to make CFB of it
    done, before = bytearray(), iv
    for at in range(0, len(data), 16):
        mask = block.update(before)
        before = bytes(a ^ b for a, b in zip(data[at : at + 16], mask, strict=True))
        done += before
    return bytes(done)
