"""The pack's two forms as phones would send them, with most of their questions answered."""

from __future__ import annotations

import uuid
from functools import cache
from random import Random
from typing import Any

from lxml import etree

from odk_forms.convert import to_xform
from odk_forms.packs import load
from odk_forms.xml import local

PACK = load("posyandu")
VISIT = "2026-11-17"

_NAMES = ("Siti Nurhaliza", "Budi Santoso", "Dewi Lestari", "Agus Salim", "Rina Kartika Putri")
_OF_ANY_FORM = {
    "start": f"{VISIT}T08:31:07.120+07:00",
    "end": f"{VISIT}T08:33:52.004+07:00",
    "today": VISIT,
    "deviceid": "collect:Zk3bQ8hGxT1mPv0d",
}
_MEASURED = {
    "tgl_lalu": "2026-10-20",
    "bb_lalu": "8.9",
    "tb_lalu": "72.5",
    "imunisasi_lalu": "hb0 bcg opv1 opv2 dpt1 dpt2",
    "terakhir": "",
    "tanggal": VISIT,
    "hadir": "ya",
    "tgl_lahir_tampil": "3 Jan 2026",
    "tgl_lalu_tampil": "20 Okt 2026",
    "bb_lalu_tampil": "8.9 kg",
    "tb_lalu_tampil": "72.5 cm",
    "tanggal_teks": VISIT,
    "umur_bl": "10",
    "bulan": "11",
    "bulan_vit_a": "2 8",
    "bulan_obat_cacing": "2 8",
    "bb_beda_wajar": "1.5",
    "bb_wajar_dari": "5.9",
    "bb_wajar_sampai": "12.7",
    "bulan_berlalu": "0.919917864476386",
    "bb_kg": "9.1",
    "tb_cm": "73.2",
    "cara_ukur": "terlentang",
    "lk_cm": "44.8",
    "lila_cm": "14.1",
    "edema_bilateral": "tidak",
    "sakit_2minggu": "batuk_pilek",
    "asi_eksklusif": "ya",
    "mp_asi_kali": "3",
    "protein_hewani": "ya",
    "imunisasi_diberi": "opv3 dpt3",
    "pmt": "ya",
    "pmt_hari": "14",
    "kpsp_hasil": "sesuai",
    "mbg_penerima": "tidak",
    "rujuk": "tidak",
    "catatan": "Ibu diminta datang lagi bulan depan, membawa buku KIA dan kartu BPJS.",
    "ada_ukuran": "ya",
    "bb_terakhir": "9.1",
    "tb_terakhir": "73.2",
    "lila_terakhir": "14.1",
    "lk_terakhir": "44.8",
    "tgl_ukur": VISIT,
    "imunisasi": "opv3 dpt3",
}


def child(random: Random, kode: str) -> dict[str, str]:
    """The properties of a child as they are registered, in the list `anak`."""
    return {
        "nama": random.choice(_NAMES),
        "jk": random.choice("LP"),
        "tgl_lahir": "2026-01-03",
        "tgl_lahir_pasti": "ya",
        "nama_ibu": random.choice(_NAMES),
        "nama_ayah": random.choice(_NAMES),
        "posyandu": kode,
        "nik": f"9999{random.randrange(10**12):012}",
        "no_kk": f"9999{random.randrange(10**12):012}",
        "no_hp": f"0812{random.randrange(10**8):08}",
        "alamat": "Kampung Babakan Sari, belakang balai desa",
        "rt": str(random.randrange(1, 9)),
        "rw": str(random.randrange(1, 5)),
        "asal": "lahir",
        "tempat_lahir": "Puskesmas Sukasari",
        "anak_ke": "2",
        "kembar": "tunggal",
        "bb_lahir": "3.1",
        "pb_lahir": "49",
        "lk_lahir": "34",
        "usia_gestasi": "39",
        "imd": "ya",
        "kia": "ya",
        "bpjs": "ya",
        "imunisasi": "hb0 bcg opv1",
        "status": "aktif",
    }


def measured(random: Random) -> dict[str, str]:
    """The properties that a monthly measurement updates."""
    return {
        "bb_terakhir": f"{random.uniform(6, 12):.1f}",
        "tb_terakhir": f"{random.uniform(65, 90):.1f}",
        "lk_terakhir": "44.8",
        "tgl_ukur": VISIT,
        "imunisasi": "opv3 dpt3",
    }


def registration(random: Random, entity: str, kode: str) -> str:
    """`registrasi_anak`: the XML that creates a child."""
    values = child(random, kode)
    return _filled("registrasi_anak.md", {**_OF_ANY_FORM, **values}, entity, values["nama"])


def measurement(random: Random, entity: str, kode: str, base_version: int) -> str:
    """`pengukuran_balita`: the XML that updates a child from what its author was shown."""
    known = {"nama_anak": random.choice(_NAMES), "nama_ibu": random.choice(_NAMES)}
    values = {**_OF_ANY_FORM, **_MEASURED, **known, **measured(random), "posyandu": kode}
    values |= {"anak": entity, "tgl_lahir": "2026-01-03"}
    return _filled("pengukuran_balita.md", values, entity, None, base_version)


def _filled(
    form: str,
    values: dict[str, str],
    entity: str,
    label: str | None,
    base_version: int | None = None,
) -> str:
    root = etree.fromstring(_blank(form))
    for node in list(root.iter()):
        name = local(node.tag)
        if name == "entity":
            node.set("id", entity)
            if base_version is not None:
                node.set("baseVersion", str(base_version))
        elif name == "instanceID":
            node.text = f"uuid:{uuid.uuid4()}"
        elif name == "label":
            node.text = label
        elif len(node) == 0 and name in values:
            node.text = values[name]
        elif name == "status":
            node.getparent().remove(node)  # not relevant: a phone leaves it out
    return str(etree.tostring(root, encoding="unicode"))


@cache
def _blank(form: str) -> bytes:
    """The primary instance of a form of the pack, as a phone begins with it."""
    xform: Any = etree.fromstring(to_xform(PACK.forms[form].encode(), form, validate=False).xml)
    model = next(node for node in xform.iter() if local(node.tag) == "model")
    instance = next(node for node in model if local(node.tag) == "instance")
    return bytes(etree.tostring(instance[0]))
