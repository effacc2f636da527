"""The posyandu forms in the engine that phones run, with the list a phone keeps between them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from lxml import etree

from odk_forms import packs
from odk_forms.convert import to_xform
from sync_server.fleet.local_list import LocalList
from tests.javarosa import BrokenForm, Refused

HEADER = (
    "name,label,__version,nama,nama_ibu,jk,tgl_lahir,posyandu,status,"
    "bb_terakhir,tb_terakhir,tgl_ukur,imunisasi"
)
MELATI, MAWAR = "9999012001-01", "9999012001-02"
SITI = "0b2c7e0e-5a0f-4b57-9d4a-1f6c0c1d2e3f"
BUDI = "5e0d9c1a-7b3e-4f65-8a2b-3c4d5e6f7a8b"
TODAY = datetime.now(UTC).astimezone(timezone(timedelta(hours=7))).date()  # the phone is in Java
BORN = TODAY.replace(day=1) - timedelta(days=500)  # sixteen months, or one more


@pytest.fixture(scope="module")
def forms():
    pack = packs.load("posyandu")
    return {
        name.removesuffix(".md"): to_xform(text.encode(), name, validate=False).xml
        for name, text in pack.forms.items()
    }


def posyandu_csv(*codes):
    rows = [
        f"{number:08d}-0000-4000-8000-000000000000,Posyandu {code},1,{code}"
        for number, code in enumerate(codes)
    ]
    return "\n".join(["name,label,__version,kode", *rows, ""]).encode()


def row(entity, name, version=1, *, posyandu=MELATI, weight="", height="", on="", vaccines=""):
    fields = [entity, f"{name} (Ibu Ani)", version, name, "Ani", "P", BORN, posyandu, "aktif"]
    return ",".join(map(str, [*fields, weight, height, on, vaccines]))


def children(*rows):
    local = LocalList("anak")
    assert local.import_csv("\n".join([HEADER, *rows, ""]).encode())
    return local


class Phone:
    """Fills the two forms against its own copy of the list, as Collect does without a signal."""

    def __init__(self, engine, forms, anak):
        self.engine, self.forms, self.anak = engine, forms, anak

    def fill(self, form, answers, *, posyandu=(MELATI,), **options):
        media = {"anak.csv": self.anak.to_csv(), "posyandu.csv": posyandu_csv(*posyandu)}
        filled = self.engine.fill(self.forms[form], answers, media, **options)
        (block,) = filled.entities
        self.anak.apply(block)
        return filled

    def register(self, **answers):
        usual = {
            "nama": "Siti",
            "jk": "P",
            "tgl_lahir": str(BORN),
            "tgl_lahir_pasti": "ya",
            "nama_ibu": "Ani",
        }
        if "nik" not in answers:
            usual["alasan_tanpa_nik"] = "belum_punya"
        return self.fill("registrasi_anak", usual | answers)

    def measure(self, child, *, posyandu=(MELATI,), choices_of=(), **answers):
        given = {"anak": child, "hadir": "ya", "tanggal": str(TODAY)} | answers
        return self.fill("pengukuran_balita", given, posyandu=posyandu, choices_of=choices_of)


@pytest.fixture
def phone(javarosa, forms):
    """Hand it rows of the server's list: phone(row(SITI, "Siti", weight="9.1"))."""
    return lambda *rows: Phone(javarosa, forms, children(*rows))


def instance_name(xml):
    return etree.fromstring(xml).findtext("meta/instanceName")


def test_a_child_born_offline_and_measured_twice_counts_up_one_branch(phone):
    here = phone()

    (born,) = here.register().entities
    assert (born.create, born.base_version, born.trunk_version) == (True, "", "")
    assert born.label == "Siti (Ibu Ani)"
    assert born.properties["posyandu"] == MELATI
    branch = here.anak.entities[born.id].branch_id

    (first,) = here.measure(born.id, bb_kg="9.1", tb_cm="74.5").entities
    assert (first.update, first.create, first.label) == (True, False, None)
    assert (first.base_version, first.trunk_version, first.branch_id) == ("1", "", branch)
    assert first.properties == {"bb_terakhir": "9.1", "tb_terakhir": "74.5", "tgl_ukur": str(TODAY)}

    (second,) = here.measure(born.id, bb_kg="9.4").entities
    assert (second.base_version, second.trunk_version, second.branch_id) == ("2", "", branch)
    assert second.properties == {"bb_terakhir": "9.4", "tgl_ukur": str(TODAY)}
    assert here.anak.entities[born.id].properties["tb_terakhir"] == "74.5"


def test_a_child_the_server_knows_is_measured_over_its_trunk(phone):
    here = phone(row(SITI, "Siti", 3))
    branch = here.anak.entities[SITI].branch_id

    blocks = [here.measure(SITI, bb_kg=weight).entities[0] for weight in ("9.1", "9.2")]

    assert [(b.base_version, b.trunk_version, b.branch_id) for b in blocks] == [
        ("3", "3", branch),
        ("4", "3", branch),
    ]


def test_the_note_shows_the_last_measurement_and_no_question_holds_it(phone):
    here = phone(row(SITI, "Siti", 2, weight="8.7", height="72.5", on="2026-08-05"))

    filled = here.measure(SITI, lk_cm="45")

    note = filled.shown["/data/kehadiran/terakhir"]
    assert "Siti" in note
    assert "5 Aug 2026" in note
    assert "8.7 kg" in note
    assert "72.5 cm" in note
    assert filled.entities[0].properties == {"lk_terakhir": "45", "tgl_ukur": str(TODAY)}
    assert instance_name(filled.xml) == f"Siti {TODAY}"


def test_only_children_of_the_chosen_posyandu_who_are_still_here_are_offered(phone):
    gone = row("9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d", "Dewi").replace("aktif", "pindah")
    here = phone(row(SITI, "Siti"), row(BUDI, "Budi", posyandu=MAWAR), gone)

    filled = here.measure(SITI, bb_kg="9.1", choices_of=["anak"])

    assert filled.choices["/data/siapa/anak"] == [(SITI, "Siti (Ibu Ani)")]
    with pytest.raises(Refused) as refused:
        here.measure(BUDI, bb_kg="9.1")
    assert refused.value.kind == "no_such_choice"


def test_a_phone_of_two_posyandu_asks_which_one(phone):
    here = phone(row(SITI, "Siti"))

    with pytest.raises(Refused) as refused:
        here.measure(SITI, posyandu=(MELATI, MAWAR))

    assert (refused.value.kind, refused.value.path) == ("required", "/data/siapa/posyandu")


@pytest.mark.parametrize(
    ("answers", "path"),
    [
        pytest.param({"bb_kg": "98"}, "/data/ukur/bb_kg", id="98-kg"),
        pytest.param({"bb_kg": "0.4"}, "/data/ukur/bb_kg", id="400-g"),
        pytest.param({"tb_cm": "29.9"}, "/data/ukur/tb_cm", id="too-short"),
        pytest.param({"lila_cm": "41"}, "/data/lingkar/lila_cm", id="arm"),
        pytest.param({"lk_cm": "19"}, "/data/lingkar/lk_cm", id="head"),
        pytest.param(
            {"tanggal": str(TODAY + timedelta(days=3))},
            "/data/kehadiran/tanggal",
            id="in-three-days",
        ),
        pytest.param(
            {"tanggal": str(BORN - timedelta(days=1))}, "/data/kehadiran/tanggal", id="before-birth"
        ),
        pytest.param(
            {"sakit_2minggu": "tidak batuk"}, "/data/kesehatan/sakit_2minggu", id="ill-or-not"
        ),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(phone, answers, path):
    with pytest.raises(Refused) as refused:
        phone(row(SITI, "Siti")).measure(SITI, **answers)

    assert (refused.value.kind, refused.value.path) == ("constraint", path)
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize(
    ("last", "answers", "warning"),
    [
        pytest.param({"weight": "8.7"}, {"bb_kg": "10.3"}, "peringatan_bb", id="jumped"),
        pytest.param(
            {"weight": "11.9"}, {"bb_kg": "10.1"}, "peringatan_bb", id="fell-more-than-15%"
        ),
        pytest.param({}, {"bb_kg": "24"}, "peringatan_bb", id="heavy-for-the-age"),
        pytest.param({"height": "75"}, {"tb_cm": "73.9"}, "peringatan_tb", id="shrank"),
        pytest.param(
            {"height": "70", "on": TODAY}, {"tb_cm": "75.1"}, "peringatan_tb", id="shot-up"
        ),
        pytest.param({}, {"lila_cm": "12.4"}, "peringatan_lila", id="thin-arm"),
    ],
)
def test_what_is_odd_asks_once_and_then_passes(phone, last, answers, warning):
    here = phone(row(SITI, "Siti", **last))

    with pytest.raises(Refused) as refused:
        here.measure(SITI, **answers)
    assert refused.value.kind == "required"
    assert refused.value.path.endswith(warning)
    assert refused.value.message.startswith("Yakin?")

    (block,) = here.measure(SITI, **answers, **{warning: "OK"}).entities
    (value,) = answers.values()
    assert value in block.properties.values()


@pytest.mark.parametrize(
    ("last", "answers"),
    [
        pytest.param({"weight": "8.7"}, {"bb_kg": "10.2"}, id="1.5-kg"),
        pytest.param({"height": "75.2"}, {"tb_cm": "74.2"}, id="1-cm-less"),
        pytest.param({"weight": "not a number"}, {"bb_kg": "9"}, id="garbled-weight"),
        pytest.param({"weight": "9", "on": "05/08/2026"}, {"bb_kg": "9.1"}, id="garbled-date"),
    ],
)
def test_what_is_ordinary_or_unreadable_asks_nothing(phone, last, answers):
    here = phone(row(SITI, "Siti", **last))

    assert here.measure(SITI, **answers).entities[0].update


def test_a_birth_date_in_another_writing_hides_no_measurement(phone):
    here = phone(row(SITI, "Siti").replace(str(BORN), "1 Mei 2025"))

    (block,) = here.measure(SITI, bb_kg="9.1", lila_cm="14").entities

    assert block.properties.keys() == {"bb_terakhir", "lila_terakhir", "tgl_ukur"}


@pytest.mark.parametrize(
    ("presence", "saved"),
    [
        pytest.param({"hadir": "tidak_hadir"}, None, id="absent"),
        pytest.param({"hadir": "ya"}, None, id="here-but-nothing-measured"),
        pytest.param(
            {"hadir": "pindah", "peringatan_keluar": "OK"}, {"status": "pindah"}, id="moved"
        ),
        pytest.param(
            {"hadir": "meninggal", "peringatan_keluar": "OK"}, {"status": "meninggal"}, id="died"
        ),
    ],
)
def test_whoever_is_not_measured_is_asked_no_more_and_loses_nothing(phone, presence, saved):
    here = phone(row(SITI, "Siti", weight="8.7", vaccines="hb0"))

    filled = here.measure(SITI, **presence)

    (block,) = filled.entities
    assert block.update is (saved is not None)
    assert block.properties == (saved or {})
    assert ("/data/ukur/bb_kg" in filled.shown) is (presence["hadir"] == "ya")
    assert here.anak.entities[SITI].version == (1 if saved is None else 2)


@pytest.mark.parametrize(
    ("months", "manner"), [(16, "telentang"), (30, "berdiri")], ids=["lying", "standing"]
)
def test_the_manner_of_measuring_is_proposed_by_age_and_the_date_by_the_phone(
    phone, months, manner
):
    born = TODAY - timedelta(days=31 * months)
    here = phone(row(SITI, "Siti").replace(str(BORN), str(born)))

    answers = {"anak": SITI, "hadir": "ya", "tb_cm": "80"}
    xml = etree.fromstring(here.fill("pengukuran_balita", answers).xml)

    assert xml.findtext("ukur/cara_ukur") == manner
    assert xml.findtext("kehadiran/tanggal") in {str(TODAY), str(TODAY + timedelta(days=1))}


def test_today_s_vaccines_are_added_to_those_on_the_screen(phone):
    here = phone(row(SITI, "Siti", vaccines="bcg hb0"))

    filled = here.measure(SITI, imunisasi_diberi="mr1", choices_of=["imunisasi_diberi"])

    assert filled.entities[0].properties == {"imunisasi": "bcg hb0 mr1"}
    offered = [value for value, _ in filled.choices["/data/imunisasi_diberi"]]
    assert "mr1" in offered
    assert not {"bcg", "hb0"} & set(offered)


def nik(day, month, year, *, place="999901", serial="0007"):
    return f"{place}{day:02d}{month:02d}{year % 100:02d}{serial}"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"nik": "123"}, id="short"),
        pytest.param({"nik": "1" * 16}, id="one-digit"),
        pytest.param({"nik": nik(72, 5, 2025)}, id="day-72"),
        pytest.param({"nik": nik(41, 5, 2025, serial="0000")}, id="serial-0000"),
        pytest.param({"nik": nik(41, 5, 2025), "no_kk": nik(41, 5, 2025)}, id="the-family-card"),
        pytest.param({"nik": nik(41, 5, 2025), "nik_ibu": nik(41, 5, 2025)}, id="the-mother-s"),
    ],
)
def test_what_is_no_nik_of_a_child_is_refused(phone, wrong):
    with pytest.raises(Refused) as refused:
        phone().register(**wrong)

    assert (refused.value.kind, refused.value.path) == ("constraint", "/data/nomor/nik")


def test_a_nik_that_fits_passes_and_one_of_another_day_is_asked_about(phone):
    fits = nik(BORN.day + 40, BORN.month, BORN.year)
    other = nik(BORN.day, BORN.month, BORN.year)  # a boy's

    (block,) = phone().register(nik=fits).entities
    assert block.properties["nik"] == fits
    assert "alasan_tanpa_nik" not in block.properties
    with pytest.raises(Refused) as refused:
        phone().register(nik=other)
    assert refused.value.path == "/data/nomor/peringatan_nik"
    (block,) = phone().register(nik=other, peringatan_nik="OK").entities
    assert block.properties["nik"] == other


def test_without_a_nik_the_reason_is_asked(phone):
    with pytest.raises(Refused) as refused:
        phone().register(alasan_tanpa_nik="")

    assert (refused.value.kind, refused.value.path) == ("required", "/data/nomor/alasan_tanpa_nik")


def test_a_child_with_the_birth_date_and_sex_of_another_is_asked_about(phone):
    here = phone(row(BUDI, "Sari"))

    with pytest.raises(Refused) as refused:
        here.register()
    assert refused.value.path == "/data/keluarga/peringatan_ganda"
    assert "Sari (Ibu Ani)" in refused.value.message
    assert here.register(peringatan_ganda="OK").entities[0].create


def test_labels_come_in_the_language_asked_for(phone):
    answers = {"anak": SITI, "hadir": "tidak_hadir"}

    filled = phone(row(SITI, "Siti")).fill("pengukuran_balita", answers, language="English (en)")

    assert filled.shown["/data/kehadiran/hadir"] == "Is the child here?"


def test_an_answer_to_a_question_not_asked_is_a_mistake_of_the_test(phone):
    with pytest.raises(Refused) as refused:
        phone(row(SITI, "Siti")).measure(SITI, hadir="tidak_hadir", bb_kg="9.1")

    assert (refused.value.kind, refused.value.path) == ("not_asked", "bb_kg")


def test_what_cannot_be_typed_is_refused(phone):
    with pytest.raises(Refused) as refused:
        phone(row(SITI, "Siti")).measure(SITI, bb_kg="sembilan")

    assert refused.value.kind == "bad_value"


def test_a_form_the_engine_cannot_load_is_broken(javarosa):
    with pytest.raises(BrokenForm):
        javarosa.fill(b"<h:html xmlns:h='http://www.w3.org/1999/xhtml'/>", {})


REPEATS = """
| survey |
|        | type         | name   | label  | save_to |
|        | begin_repeat | lahir  | Birth  |         |
|        | text         | nama   | Name   | nama    |
|        | end_repeat   |        |        |         |
| entities |
|          | list_name | label   |
|          | anak      | ${nama} |
"""


def test_each_repeat_is_an_entity_of_its_own(javarosa):
    twins = to_xform(REPEATS.encode(), "twins.md", validate=False).xml

    filled = javarosa.fill(twins, {"/data/lahir[1]/nama": "Ali", "/data/lahir[2]/nama": "Ana"})

    assert [(b.label, b.properties, b.create) for b in filled.entities] == [
        ("Ali", {"nama": "Ali"}, True),
        ("Ana", {"nama": "Ana"}, True),
    ]
    assert len({block.id for block in filled.entities}) == 2
