"""What a phone of the fleet makes of the pack's forms, beside what the form engine makes."""

import pytest
from lxml import etree

from odk_forms import packs
from odk_forms.convert import to_xform
from sync_server.fleet.blocks import entity_blocks
from sync_server.fleet.phone import Phone
from tests.javarosa import JavaRosa

POSYANDU = b"name,label,__version,kode\n6f1e6f0a-6f0d-4c0e-9d53-0c5a3a1b7e01,Melati,1,9999-01\n"
ANAK = (
    "name,label,__version,nama,nama_ibu,jk,tgl_lahir,posyandu,status\n"
    "0b2c7e0e-5a0f-4b57-9d4a-1f6c0c1d2e3f,Siti,3,Siti,Ani,P,2025-06-19,9999-01,aktif\n"
)
SITI = "0b2c7e0e-5a0f-4b57-9d4a-1f6c0c1d2e3f"


@pytest.fixture(scope="module")
def engine():
    with JavaRosa(device_id="collect:x") as engine:
        yield engine


@pytest.fixture
def phone():
    phone = Phone("http://127.0.0.1:9", "collect:x")
    for name, text in packs.load("posyandu").forms.items():
        phone.install(to_xform(text.encode(), name, validate=False).xml)
    phone._list("posyandu").import_csv(POSYANDU)
    phone._list("anak").import_csv(ANAK.encode())
    return phone


def plain(xml):
    """An instance without what differs each time: its times and its random ids."""
    root = etree.fromstring(xml)
    for path in ("start", "end", "meta/instanceID"):
        root.find(path).text = "*"
    entity = root.find("meta/entity")
    if entity.get("create") == "1":
        entity.set("id", "*")
    etree.cleanup_namespaces(root)
    return etree.canonicalize(etree.tostring(root, encoding="unicode"))


def calculated(xml, names):
    """The answers as the engine's own instance has them, calculations included."""
    root = etree.fromstring(xml)
    return {
        name: found.text or "" for name in names if (found := root.find(f".//{name}")) is not None
    }


CALCULATED = [
    *("tgl_lahir_teks", "nik_seharusnya", "instanceName", "nama_anak", "nama_ibu", "tgl_lahir"),
    *("tgl_lahir_tampil", "tgl_lalu_tampil", "bb_lalu_tampil", "tb_lalu_tampil", "tanggal_teks"),
    *("umur_bl", "bulan", "bulan_vit_a", "bulan_obat_cacing", "bb_wajar_dari", "bb_wajar_sampai"),
    *("ada_ukuran", "bb_terakhir", "tgl_ukur", "status"),
    *("lila_cm", "mp_asi_kali", "protein_hewani", "imunisasi_diberi"),  # shown, and left empty
    *("program", "rujuk", "foto_timbangan"),
]


def test_a_registration_is_the_one_the_engine_makes(engine, phone):
    answers = {
        **{"posyandu": "9999-01", "nama": "Budi", "jk": "L", "tgl_lahir": "2026-01-04"},
        **{"tgl_lahir_pasti": "ya", "nama_ibu": "Rina", "alasan_tanpa_nik": "belum_punya"},
    }
    blank = phone._forms["registrasi_anak"].blank
    media = {"anak.csv": phone.lists["anak"].to_csv(), "posyandu.csv": POSYANDU}
    theirs = engine.fill(blank.xml, answers, media)

    ours = phone.fill(
        "registrasi_anak",
        answers | calculated(theirs.xml, [*CALCULATED, "mirip"]),
        label="Budi (Ibu Rina)",
    )

    assert plain(ours.xml) == plain(theirs.xml)


@pytest.mark.parametrize(
    "given",
    [
        {"hadir": "ya", "bb_kg": "9.1"},
        {"hadir": "tidak_hadir"},
    ],
)
def test_a_measurement_is_the_one_the_engine_makes(engine, phone, given):
    answers = {"posyandu": "9999-01", "anak": SITI, "tanggal": "2026-11-03", **given}
    blank = phone._forms["pengukuran_balita"].blank
    media = {"anak.csv": phone.lists["anak"].to_csv(), "posyandu.csv": POSYANDU}
    theirs = engine.fill(blank.xml, answers, media)

    names = [one for one in CALCULATED if one not in answers]
    ours = phone.fill(
        "pengukuran_balita",
        answers | calculated(theirs.xml, names),
        entity=SITI,
        saves="bb_kg" in given,
    )

    assert entity_blocks(blank.xml, ours.xml) == theirs.entities
    assert plain(ours.xml) == plain(theirs.xml)
