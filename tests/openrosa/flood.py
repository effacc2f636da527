"""A flood: every phone of a district has a signal again at the same moment.

    python -m tests.openrosa.flood --phones 300
    python -m tests.openrosa.flood --phones 300 --postgres

Each fetches its forms and its list and posts three forms, with a HEAD before. Prints how long it
took, against one phone alone, and ends with 1 when a phone would have shown an error, a form is
not there once, or the server took too much memory.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.openrosa.harbour import TIMEOUT_SECONDS, Form, Harbour, opened, type_of
from tests.support.extras import require
from tests.support.postgres import Cluster
from tests.support.serving import Served

FORMS_EACH = 3
POLLED = ("formList", "forms/daftar.xml", "forms/ukur/manifest", "forms/ukur/attachments/anak.csv")
MOST_MEMORY = 200 << 20  # more than before, in bytes: half a megabyte for each phone


@dataclass
class Poured:
    """What came of a flood: errors that phones would have shown, and the longest wait."""

    shown: list[str] = field(default_factory=list)
    slowest: float = 0.0
    seconds: float = 0.0
    memory: int = 0


def pour(harbour: Harbour, photo: bytes = bytes(20_000)) -> Poured:
    """Let all phones of a harbour in at once; every form must be there once in the end."""
    poured, lock = Poured(), threading.Lock()
    gate = threading.Barrier(len(harbour.bases))
    sent = {base: [Form.filled(**{"foto.jpg": photo}) for _ in range(3)] for base in harbour.bases}
    before, since = harbour.memory(), time.monotonic()

    def call(base: str) -> None:
        gate.wait()
        link = HTTPConnection(*harbour.place, timeout=TIMEOUT_SECONDS)
        asked = [("GET", path, b"", (200,)) for path in POLLED]
        asked.append(("HEAD", "submission", b"", (204,)))
        asked += [("POST", "submission", form.body(), (201,)) for form in sent[base]]
        for method, path, body, right in asked:
            began = time.monotonic()
            try:
                headers = {"Content-Type": type_of(body)} if body else {}
                link.request(method, f"{base}/{path}?deviceID=collect%3Aa", body or None, headers)
                answer = link.getresponse()
                answer.read()
                wrong = "" if answer.status in right else f"{method} {path}: {answer.status}"
            except (OSError, HTTPException) as exc:
                link.close()
                wrong = f"{method} {path}: {type(exc).__name__}"
            with lock:
                poured.slowest = max(poured.slowest, time.monotonic() - began)
                poured.shown += [wrong] if wrong else []
        link.close()

    phones = [threading.Thread(target=call, args=(base,)) for base in harbour.bases]
    for phone in phones:
        phone.start()
    for phone in phones:
        phone.join()
    poured.seconds = time.monotonic() - since
    poured.memory = harbour.memory() - before
    here = {instance for (instance,) in harbour.rows("SELECT instance_id FROM submissions")}
    wanted = {f"uuid:{form.child}" for forms in sent.values() for form in forms}
    poured.shown += [f"{one} is not there" for one in wanted - here]
    if poured.memory > MOST_MEMORY:
        poured.shown.append(f"the server took {poured.memory >> 20} MiB more")
    return poured


def run(folder: Path, phones: int, cluster: Cluster | None) -> int:
    url = f"sqlite:///{folder / 'simpul.db'}"
    if cluster is not None:
        url = cluster.url(cluster.create_database())
    Served(folder / "template", url).initialise()
    with opened(folder, url, phones=phones) as harbour:
        pour(Harbour(harbour.served, harbour.bases[:1]))
        alone = pour(Harbour(harbour.served, harbour.bases[:1])).seconds
        poured = pour(harbour)
    for line in (
        f"phones                    {phones}",
        f"errors shown              {len(poured.shown)}",
        f"time, of one phone's      {poured.seconds / alone:.0f}",
        f"longest wait, of a minute {poured.slowest / TIMEOUT_SECONDS:.2f}",
        f"memory more, MiB          {poured.memory >> 20}",
        *poured.shown[:10],
    ):
        sys.stdout.write(line + "\n")
    return 1 if poured.shown else 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phones", type=int, default=300)
    parser.add_argument("--postgres", action="store_true", help="the store is PostgreSQL")
    wanted = parser.parse_args(arguments)
    cluster = Cluster(require("postgres")) if wanted.postgres else None
    try:
        with tempfile.TemporaryDirectory(prefix="simpul-flood-") as folder:
            return run(Path(folder), wanted.phones, cluster)
    finally:
        if cluster is not None:
            cluster.stop()


if __name__ == "__main__":
    sys.exit(main())
