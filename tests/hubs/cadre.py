"""A cadre's phone over real HTTP, with the two short forms of the posyandu of the tests."""

from __future__ import annotations

import io
import uuid
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

import requests

from sync_server.fleet.local_list import EntityBlock, LocalList

DEVICE = {"deviceID": "collect:tuti"}


@dataclass
class Cadre:
    """`address` is that of her QR card; `anak` what her phone has of the list."""

    address: str
    anak: LocalList

    def sync(self) -> None:
        url = f"{self.address}/forms/ukur/attachments/anak.csv"
        answer = requests.get(url, params=DEVICE)
        assert answer.status_code == 200, answer.text
        assert self.anak.import_csv(answer.content)

    def register(self, child: str, **values: str) -> None:
        block = _block(child, "Siti", values)
        self._send("daftar", block, " create='1' baseVersion='' trunkVersion='' branchId=''")

    def measure(self, child: str, **values: str) -> None:
        known = self.anak.entities[child]
        trunk = "" if known.trunk_version is None else str(known.trunk_version)
        base = (str(known.version), trunk, known.branch_id)
        said = zip(("baseVersion", "trunkVersion", "branchId"), base, strict=True)
        shown = "".join(f" {name}={quoteattr(value)}" for name, value in said)
        block = _block(child, "", values, base)
        self._send("ukur", block, f" update='1'{shown}")

    def _send(self, form: str, block: EntityBlock, base: str) -> None:
        self.anak.apply(block)
        values = "".join(f"<{n}>{escape(v)}</{n}>" for n, v in block.properties.items())
        xml = (
            f"<data id='{form}' version='1'>{values}<meta><instanceID>uuid:{uuid.uuid4()}"
            f"</instanceID><entity dataset='anak' id='{block.id}'{base}>"
            f"<label>{block.label}</label></entity></meta></data>"
        )
        parts = {"xml_submission_file": ("form.xml", io.BytesIO(xml.encode()), "text/xml")}
        answer = requests.post(f"{self.address}/submission", params=DEVICE, files=parts)
        assert answer.status_code == 201, answer.text


def _block(
    child: str, label: str, values: dict[str, str], base: tuple[str, str, str] | None = None
) -> EntityBlock:
    version, trunk, branch = base or ("", "", "")
    return EntityBlock(
        dataset="anak",
        id=child,
        create=base is None,
        update=base is not None,
        base_version=version,
        trunk_version=trunk,
        branch_id=branch,
        label=label,
        properties=values,
    )
