"""Encrypted submissions, opened into a zip for their owner. The key is kept nowhere."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from odk_forms.encryption import DecryptionError, Envelope, Report, envelope_of, open_envelope
from sync_server.blobs import Blobs
from sync_server.reports.submissions import Filled

CONTENTS = "contents.json"
_NOT_IN_A_NAME = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]|^\.+|[. ]+$')
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of one submission: what opening it said, or why it was not opened."""

    instance_id: str
    report: Report | None = None
    error: str = ""


def open_into(
    out: IO[bytes], filled: Iterable[Filled], key: RSAPrivateKey, blobs: Blobs
) -> list[Opened]:
    """Write a zip with a folder for each submission; `contents.json` has their true names.

    One that another key opens, or that is no encrypted one, holds up no other.
    """
    done: list[Opened] = []
    told: list[dict[str, Any]] = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        folders = _Names()
        for one in filled:
            folder = folders.of(one.row.instance_id.removeprefix("uuid:"))
            opened, facts = _open_one(archive, folder, one, key, blobs)
            done.append(opened)
            told.append(facts)
        archive.writestr(CONTENTS, json.dumps(told, ensure_ascii=False, indent=1))
    return done


def _open_one(
    archive: zipfile.ZipFile, folder: str, filled: Filled, key: RSAPrivateKey, blobs: Blobs
) -> tuple[Opened, dict[str, Any]]:
    instance_id = filled.row.instance_id
    facts: dict[str, Any] = {"instanceId": instance_id, "folder": folder, "files": {}}
    names, here = _Names(), {one.name: one.sha256 for one in filled.files}

    def source(name: str) -> IO[bytes] | None:
        digest = here.get(name)
        return blobs.path(digest).open("rb") if digest is not None else None

    def write(name: str, pieces: Iterator[bytes]) -> None:
        safe = names.of(name)
        facts["files"][safe] = name
        with archive.open(f"{folder}/{safe}", "w", force_zip64=True) as member:
            for piece in pieces:
                member.write(piece)

    try:
        report = open_envelope(envelope(filled), key, source, write)
    except DecryptionError as exc:
        return Opened(instance_id, error=str(exc)), {**facts, "error": str(exc)}
    facts |= {"missing": report.missing, "broken": report.broken, "signed": report.signed}
    return Opened(instance_id, report), facts


def envelope(filled: Filled) -> Envelope:
    """What can be read of a submission without a key. Errors: `DecryptionError`."""
    return envelope_of(filled.row.xml)


class _Names:
    """Names that any disk takes, each once: those of phones may be paths."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, name: str) -> str:
        plain = _NOT_IN_A_NAME.sub("_", name)
        stem, dot, ending = plain.rpartition(".")
        stem, ending = (stem, f"{dot}{ending[:16]}") if stem else (plain, "")
        stem, number = stem[:_LONGEST], 1
        safe = f"{stem}{ending}" or "_"
        while safe.casefold() in self._taken:
            number += 1
            safe = f"{stem}-{number}{ending}"
        self._taken.add(safe.casefold())
        return safe
