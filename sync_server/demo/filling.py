"""What cadres answer in the pack's two forms, with the values the forms compute."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sync_server.demo.children import Child, Measured
from sync_server.fleet.local_list import LocalEntity, LocalList

VACCINES = {
    1: "bcg opv1",
    2: "dpt1 opv2 pcv1 rv1",
    3: "dpt2 opv3 pcv2 rv2",
    4: "dpt3 opv4 ipv1 rv3",
    9: "mr1 ipv2",
    12: "pcv3",
    18: "dpt4 mr2",
}
"""Given at the session of that month of life."""
_MONTHS_OF_VITAMIN_A = (2, 8)


def registration(child: Child, posyandu: str, known: LocalList | None) -> dict[str, str]:
    """The answers of `registrasi_anak`; `known` are the children on this phone already."""
    born = child.tgl_lahir.isoformat()
    day = child.tgl_lahir.day + (40 if child.jk == "P" else 0)
    alike = [
        one.label
        for one in (known.entities.values() if known else ())
        if (one.properties.get("tgl_lahir"), one.properties.get("jk")) == (born, child.jk)
    ]
    answers = {
        "posyandu": posyandu,
        "nama": child.nama,
        "jk": child.jk,
        "tgl_lahir": born,
        "tgl_lahir_pasti": "ya",
        "tgl_lahir_teks": born,
        "mirip": ", ".join(alike),
        "nama_ibu": child.nama_ibu,
        "nama_ayah": child.nama_ayah,
        "nik": child.nik,
        "nik_ibu": child.nik_ibu,
        "no_kk": child.no_kk,
        "nik_seharusnya": f"{day:02d}{child.tgl_lahir:%m%y}",
        "alamat": child.alamat,
        "rt": child.rt,
        "rw": child.rw,
        "kembar": "tunggal",
        "bb_lahir": child.bb_lahir,
        "pb_lahir": child.pb_lahir,
        "kia": "ya",
        "status": "aktif",
        "instanceName": f"{child.label} {born}",
    }
    if not child.nik:
        answers["alasan_tanpa_nik"] = "belum_punya"
    if alike:
        answers["peringatan_ganda"] = "OK"
    return answers


def measurement(
    entity: LocalEntity, posyandu: str, day: date, found: Measured | None, *, gone: str = ""
) -> dict[str, str]:
    """The answers of `pengukuran_balita` for a child as this phone has it.

    `found` None: the child is away for good, and `gone` says how ("pindah").
    """
    here = entity.properties
    answers = {
        "posyandu": posyandu,
        "anak": entity.id,
        "nama_anak": here["nama"],
        "nama_ibu": here["nama_ibu"],
        "tgl_lahir": here["tgl_lahir"],
        "bb_lalu": here.get("bb_terakhir", ""),
        "tb_lalu": here.get("tb_terakhir", ""),
        "tgl_lalu": here.get("tgl_ukur", ""),
        "imunisasi_lalu": here.get("imunisasi", ""),
        "tanggal": day.isoformat(),
        "tanggal_teks": day.isoformat(),
        "hadir": "ya" if found else gone,
        "umur_bl": str(completed_months(date.fromisoformat(here["tgl_lahir"]), day)),
        "bulan": str(day.month),
        "instanceName": f"{here['nama']} {day}",
    }
    if found is None:
        return answers | {"peringatan_keluar": "OK", "status": gone}
    return answers | _present(here, day, found)


def _present(here: Mapping[str, str], day: date, found: Measured) -> dict[str, str]:
    months = completed_months(date.fromisoformat(here["tgl_lahir"]), day)
    vaccines = VACCINES.get(months, "")
    answers = {
        "bb_kg": found.weight,
        "tb_cm": found.length,
        "cara_ukur": "berdiri" if months >= 24 else "telentang",
        "lk_cm": found.head,
        "sakit_2minggu": "",
        "imunisasi_diberi": vaccines,
        "program": "",
        "rujuk": "",
        "foto_timbangan": "",
        "ada_ukuran": "ya",
        "bb_terakhir": found.weight,
        "tb_terakhir": found.length,
        "tgl_ukur": day.isoformat(),
    }
    if months >= 6:
        answers["lila_cm"] = found.arm
    else:
        answers["asi_eksklusif"] = "ya"
    if day.month in _MONTHS_OF_VITAMIN_A and months >= 6:
        answers["vit_a"] = "biru" if months < 12 else "merah"
    if found.head:
        answers["lk_terakhir"] = found.head
    if found.arm:
        answers["lila_terakhir"] = found.arm
        if float(found.arm) < 12.5:
            answers["peringatan_lila"] = "OK"
    if vaccines:
        answers["imunisasi"] = " ".join([*here.get("imunisasi", "").split(), vaccines])
    return answers


def completed_months(born: date, day: date) -> int:
    """Whole calendar months of life.

    >>> completed_months(date(2026, 1, 31), date(2026, 2, 28))
    0
    """
    return (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)
