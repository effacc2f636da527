"""The posyandu pack: its forms convert, say what the pack says, and prefill nothing measured."""

import io
import re
import uuid

import openpyxl
import pytest
from lxml import etree

from conflict.policy import REVIEW
from odk_forms import packs, xform
from odk_forms.convert import to_xform
from odk_forms.packs.build import to_xlsx
from tests.support.extras import require

X = "{http://www.w3.org/2002/xforms}"
SIMPUL = "{urn:simpul:xforms}"
BOTH = ["registrasi_anak.md", "pengukuran_balita.md"]
MEASURED = {"bb_terakhir", "tb_terakhir", "lila_terakhir", "lk_terakhir"}
ON_PAPER_ONLY = {"nik", "nik_ibu", "no_kk"}


@pytest.fixture(scope="module")
def pack():
    return packs.load("posyandu")


@pytest.fixture(scope="module")
def xforms(pack):
    return {
        name: to_xform(text.encode(), name, validate=False).xml for name, text in pack.forms.items()
    }


@pytest.fixture(scope="module")
def definitions(xforms):
    return {name: xform.read(xml) for name, xml in xforms.items()}


def test_the_pack_is_there_and_no_other_name_is():
    assert "posyandu" in packs.names()
    with pytest.raises(LookupError, match="posyandu"):
        packs.load("sekolah")


@pytest.mark.parametrize("form", BOTH)
def test_a_form_passes_odk_validate_without_a_warning(pack, form):
    require("java")

    converted = to_xform(pack.forms[form].encode(), form)

    assert converted.messages == ()


@pytest.mark.parametrize("form", BOTH)
def test_the_spreadsheet_makes_the_same_form_as_the_text(pack, xforms, form):
    spreadsheet = to_xlsx(pack.forms[form])

    assert to_xform(spreadsheet, "form.xlsx", validate=False).xml == xforms[form]


def test_a_spreadsheet_keeps_every_cell_as_text():
    text = (
        "| survey |\n| | type | name | calculation |\n|-|-|-|-|\n| | calculate | 007 | = 1 \\| 2 |"
    )

    sheet = openpyxl.load_workbook(io.BytesIO(to_xlsx(text)))["survey"]

    assert [cell.value for cell in sheet[2]] == ["calculate", "007", "= 1 | 2"]
    assert {cell.data_type for cell in sheet[2]} == {"s"}


def test_text_without_a_table_is_no_form():
    with pytest.raises(ValueError, match="sheet"):
        to_xlsx("# only a heading\n")


def test_forms_and_pack_say_the_same_of_every_property(pack, definitions):
    declared = {one.name: one for one in pack.lists["anak"].properties}
    saved = set()
    for definition in definitions.values():
        for name, spec in definition.lists["anak"].items():
            saved.add(name)
            assert (spec.policy or REVIEW) == declared[name].policy, name
            assert (spec.phone is not False) == declared[name].phone, name
    assert saved == set(declared)


def test_policies_are_those_a_bidan_expects(definitions):
    registered = definitions["registrasi_anak.md"].lists["anak"]
    measured = definitions["pengukuran_balita.md"].lists["anak"]

    assert {name for name, spec in registered.items() if str(spec.policy) == "first"} == {
        "jk",
        "tgl_lahir",
        *ON_PAPER_ONLY,
    }
    assert {name for name, spec in registered.items() if str(spec.policy) == "last"} == {
        "no_hp",
        "alamat",
        "rt",
        "rw",
    }
    assert {n for n, spec in measured.items() if str(spec.policy) == "latest(tgl_ukur)"} == MEASURED
    assert {str(one.lists["anak"]["imunisasi"].policy) for one in definitions.values()} == {"union"}


def test_identity_numbers_stay_off_phones(definitions):
    off_phones = {
        name
        for definition in definitions.values()
        for name, spec in definition.lists["anak"].items()
        if spec.phone is False
    }
    assert off_phones == ON_PAPER_ONLY


def test_registering_creates_and_measuring_updates_only_what_was_measured(definitions):
    (born,) = definitions["registrasi_anak.md"].entities
    (measured,) = definitions["pengukuran_balita.md"].entities

    assert (born.list_name, born.may_create, born.may_update) == ("anak", True, False)
    assert (measured.list_name, measured.may_create, measured.may_update) == ("anak", False, True)
    assert set(measured.saves) == MEASURED | {"tgl_ukur", "imunisasi", "status"}


@pytest.mark.parametrize("form", BOTH)
def test_no_latest_value_is_put_into_a_question(definitions, xforms, form):
    """Resent with today's date it would be an observation nobody made (merge law, policies)."""
    tree = etree.fromstring(xforms[form])
    binds = {bind.get("nodeset"): bind for bind in tree.iter(f"{X}bind")}
    set_at_load_or_later = {node.get("ref") for node in tree.iter(f"{X}setvalue")}
    data = next(tree.iter(f"{X}instance"))[0]
    (entity,) = definitions[form].entities
    specs = definitions[form].lists["anak"]

    for name, saved_at in entity.saves.items():
        if specs[name].policy is None or specs[name].policy.kind != "latest":
            continue
        question = binds[f"/data{saved_at}"].get("calculate").strip()
        assert question in binds, f"{name} is more than the answer to one question"
        assert binds[question].get("calculate") is None
        assert question not in set_at_load_or_later
        node = data
        for step in question.split("/")[2:]:
            node = node.find(f"{X}{step}")
        assert not node.text


def test_measuring_takes_twelve_screens_at_most(xforms):
    (body,) = etree.fromstring(xforms["pengukuran_balita.md"]).iter(
        "{http://www.w3.org/1999/xhtml}body"
    )

    # A field-list group is one screen; anything else at the top of the form is one of its own.
    assert all(node.get("appearance") == "field-list" for node in body.iter(f"{X}group"))
    assert len(body) <= 12


@pytest.mark.parametrize("form", BOTH)
def test_every_text_is_there_in_both_languages(xforms, form):
    texts = {}
    for translation in etree.fromstring(xforms[form]).iter(f"{X}translation"):
        texts[translation.get("lang")] = {
            text.get("id"): "".join(text.itertext()).strip() for text in translation
        }

    assert set(texts) == {"Indonesia (id)", "English (en)"}
    assert texts["Indonesia (id)"].keys() == texts["English (en)"].keys()
    assert all(text not in ("", "-") for by_id in texts.values() for text in by_id.values())


@pytest.mark.parametrize("form", BOTH)
def test_a_warning_is_acknowledged_and_every_other_must_is_a_tap_or_a_name(xforms, form):
    tree = etree.fromstring(xforms[form])
    required = {b.get("nodeset").split("/")[-1] for b in tree.iter(f"{X}bind") if b.get("required")}
    warnings = {node.get("ref").split("/")[-1] for node in tree.iter(f"{X}trigger")}

    assert warnings <= required
    assert all(name.startswith("peringatan_") for name in warnings)
    assert not required & {"bb_kg", "tb_cm", "nik", "no_kk", "nik_ibu"}


def test_every_phone_sees_its_own_posyandu_only(pack):
    rules = {
        name: [(rule.property_name, rule.actor_property) for rule in one.access]
        for name, one in pack.lists.items()
    }

    assert rules == {"anak": [("posyandu", "posyandu")], "posyandu": [("kode", "posyandu")]}
    assert "posyandu" in pack.actor_properties


def test_sample_rows_are_entities_of_their_list(pack):
    for one in pack.lists.values():
        named = {declared.name for declared in one.properties}
        for row in one.sample:
            assert uuid.UUID(row.entity).version == 4
            assert set(row.data) <= named
    codes = [row.data["kode"] for row in pack.lists["posyandu"].sample]
    assert len(set(codes)) == len(codes) >= 3
    assert all(re.fullmatch(r"\d{10}-\d\d", code) for code in codes)
