"""Collect between a server and its form engine: forms, own lists, and what it sends."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import requests
from lxml import etree

from sync_server.fleet.local_list import LocalList
from tests.javarosa import Filled, JavaRosa

LIST = "{http://openrosa.org/xforms/xformsList}"
MANIFEST = "{http://openrosa.org/xforms/xformsManifest}"


@dataclass
class Phone:
    """One phone with the forms of the posyandu pack. `address` is that of its QR card."""

    address: str
    engine: JavaRosa
    device_id: str = "collect:0123456789abcdef"
    forms: dict[str, bytes] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    lists: dict[str, LocalList] = field(
        default_factory=lambda: {name: LocalList(name) for name in ("anak", "posyandu")}
    )

    def sync(self) -> None:
        """Fetch every form, and the lists that are others by their hash."""
        for xform in self._get(f"{self.address}/formList").findall(f"{LIST}xform"):
            answer = requests.get(xform.findtext(f"{LIST}downloadUrl"), params=self._device)
            self.forms[xform.findtext(f"{LIST}formID")] = answer.content
            for file in self._get(xform.findtext(f"{LIST}manifestUrl")):
                self._import(file)

    def _import(self, file: etree._Element) -> None:
        assert file.get("type") == "entityList"
        name = file.findtext(f"{MANIFEST}filename").removesuffix(".csv")
        wanted = file.findtext(f"{MANIFEST}hash")
        if self.hashes.get(name) != wanted:
            answer = requests.get(file.findtext(f"{MANIFEST}downloadUrl"), params=self._device)
            assert self.lists[name].import_csv(answer.content)
            self.hashes[name] = wanted

    def _get(self, url: str) -> etree._Element:
        answer = requests.get(url, params=self._device, headers={"X-OpenRosa-Version": "1.0"})
        assert answer.status_code == 200, answer.text
        return etree.fromstring(answer.content)

    @property
    def _device(self) -> dict[str, str]:
        return {"deviceID": self.device_id}

    def fill(self, form: str, at: datetime | None = None, **answers: str) -> Filled:
        """Finish a form without a signal: the phone's own list has it at once."""
        media = {f"{name}.csv": one.to_csv() for name, one in self.lists.items()}
        filled = self.engine.fill(self.forms[form], answers, media, at=at)
        (block,) = filled.entities
        self.lists["anak"].apply(block)
        return filled

    def register(self, name: str, born: date, at: datetime | None = None) -> Filled:
        """A new child."""
        return self.fill(
            "registrasi_anak",
            at,
            nama=name,
            jk="P",
            tgl_lahir=str(born),
            tgl_lahir_pasti="ya",
            nama_ibu=f"Ibu {name}",
            alasan_tanpa_nik="belum_punya",
        )

    def measure(self, child: str, day: date, at: datetime | None = None, **answers: str) -> Filled:
        """A child at the posyandu of a day."""
        return self.fill(
            "pengukuran_balita", at, anak=child, hadir="ya", tanggal=str(day), **answers
        )

    def send(self, xml: bytes, files: Mapping[str, bytes] | None = None, status: int = 201) -> None:
        """Send one form; the server must take it with this status."""
        parts = {"xml_submission_file": ("form.xml", io.BytesIO(xml), "text/xml")}
        parts |= {
            name: (name, io.BytesIO(body), "image/jpeg") for name, body in (files or {}).items()
        }
        url = f"{self.address}/submission"
        assert requests.head(url, params=self._device).status_code == 204
        answer = requests.post(url, params=self._device, files=parts)
        assert answer.status_code == status, answer.text
