"""From submissions of real forms to changes."""

from uuid import UUID, uuid5

import pytest

from conflict.instants import as_instant
from conflict.types import Change, Op
from odk_forms.changes import Unreadable, attachment_names, derive
from odk_forms.instance import read
from tests.odk_forms.filled import (
    BRANCH,
    BUDI,
    CREATE,
    HOUSE,
    QUESTIONS,
    SITI,
    UPDATE,
    UPSERT,
    a_child,
    entity,
    form,
    house,
    submission,
)

PROJECT = "5b1f6c1e-7d0e-4c7e-9a3b-2f8f6f0f3a11"


def changes(instance, definition=UPSERT):
    return derive(instance, definition, project=PROJECT, author="12")


def only(meta: str, definition=UPSERT, answers: str = "<nama>Siti</nama><bb>9.1</bb>"):
    [one] = changes(submission(meta, answers), definition)
    return one


def test_a_create_has_no_base():
    meta = entity(f'create="1" id="{SITI}" baseVersion="" trunkVersion="" branchId=""')

    assert only(meta, CREATE) == Change(
        change_id=str(uuid5(UUID(PROJECT), "f\nuuid:i1\n0")),
        list_name="anak",
        entity=SITI,
        op=Op.CREATE,
        label="Siti",
        data={"nama": "Siti", "bb": "9.1"},
        author="12",
        from_form=True,
        submission="f\nuuid:i1",
    )


def test_an_edit_names_its_original_and_no_form_is_an_edit_of_itself():
    attributes = f'update="1" id="{SITI}" baseVersion="1"'
    edit = only(entity(attributes) + "<deprecatedID>uuid:i0</deprecatedID>")
    assert (edit.submission, edit.deprecates) == ("f\nuuid:i1", "f\nuuid:i0")
    itself = only(entity(attributes) + "<deprecatedID>uuid:i1</deprecatedID>")
    assert itself.deprecates == ""


@pytest.mark.parametrize(
    ("attributes", "base", "trunk", "branch"),
    [
        pytest.param('baseVersion="3"', 3, None, None, id="online"),
        pytest.param(
            'baseVersion="3" trunkVersion="" branchId=""', 3, None, None, id="blank-is-absent"
        ),
        pytest.param(
            f'baseVersion="4" trunkVersion="3" branchId="{BRANCH}"', 4, 3, BRANCH, id="offline"
        ),
        pytest.param(
            f'baseVersion="{"0" * 5000}1" trunkVersion="" branchId="{BRANCH}"',
            1,
            None,
            BRANCH,
            id="after-an-offline-create",
        ),
        pytest.param(
            f'baseVersion="1" branchId="{BRANCH.upper()}"', 1, None, BRANCH, id="upper-case-branch"
        ),
    ],
)
@pytest.mark.parametrize("definition", [UPSERT, UPDATE], ids=["upsert-form", "update-form"])
def test_the_base_of_an_update(attributes, base, trunk, branch, definition):
    change = only(entity(f'update="1" id="{SITI}" {attributes}'), definition)

    assert change.op is Op.UPDATE
    assert (change.base_version, change.trunk_version, change.branch_id) == (base, trunk, branch)


@pytest.mark.parametrize(
    ("attributes", "op"),
    [
        pytest.param('create="1" update="1" baseVersion="2"', Op.UPDATE, id="both-with-a-base"),
        pytest.param('create="true" update="true" baseVersion=""', Op.CREATE, id="both-without"),
        pytest.param('create="true" update="false" baseVersion="2"', Op.CREATE, id="create-true"),
        pytest.param('create="false" update="true" baseVersion="2"', Op.UPDATE, id="update-true"),
        pytest.param('create="1" update="" baseVersion=""', Op.CREATE, id="create-one"),
    ],
)
def test_what_an_upsert_does(attributes, op):
    assert only(entity(f'{attributes} id="{SITI}"')).op is op


@pytest.mark.parametrize("attributes", ["", 'create="0" update="no"', 'create="TRUE"'])
def test_neither_create_nor_update_is_no_change(attributes):
    assert changes(submission(entity(f'{attributes} id="{SITI}"'))) == ()


@pytest.mark.parametrize(
    "written", [SITI, SITI.upper(), f"uuid:{SITI}", f"UUID:{SITI.upper()}", f" {SITI}\n"]
)
def test_an_entity_id_is_a_bare_lower_case_uuid(written):
    assert only(entity(f'create="1" id="{written}"')).entity == SITI


@pytest.mark.parametrize(
    ("label", "op", "expected"),
    [
        pytest.param("Siti", "create", "Siti", id="create"),
        pytest.param("", "create", "", id="blank-create"),
        pytest.param(None, "create", None, id="no-label"),
        pytest.param("Siti N", "update", "Siti N", id="update"),
        pytest.param(" ", "update", None, id="blank-update-keeps"),
        pytest.param(None, "update", None, id="update-without"),
    ],
)
def test_labels(label, op, expected):
    assert only(entity(f'{op}="1" id="{SITI}" baseVersion="1"', label=label)).label == expected


def test_a_blank_answer_is_blank_and_an_absent_one_untouched():
    meta = entity(f'create="1" id="{SITI}"')

    assert only(meta, answers="<nama/>").data == {"nama": ""}
    assert only(meta, answers="<bb> 9.10 </bb><other>x</other>").data == {"bb": " 9.10 "}


def test_a_barcode_keeps_its_group_separator():
    meta = entity(f'create="1" id="{SITI}"')

    assert only(meta, answers="<nama>01&#29;10</nama>").data == {"nama": "01\x1d10"}


@pytest.mark.parametrize(
    ("meta", "code", "word"),
    [
        pytest.param(entity('create="1" id="12"'), "bad_data", "UUID", id="id-is-no-uuid"),
        pytest.param(entity('create="1" id=""'), "bad_data", "UUID", id="blank-id"),
        pytest.param(entity('create="1"'), "bad_data", "UUID", id="no-id"),
        pytest.param(
            entity(f'create="1" id="{SITI.replace("-", "")}"'), "bad_data", "UUID", id="no-hyphens"
        ),
        pytest.param(
            entity(f'update="1" id="{SITI}" baseVersion="x"'), "bad_data", "'x'", id="base-a-word"
        ),
        pytest.param(
            entity(f'update="1" id="{SITI}" baseVersion=""'),
            "bad_data",
            "baseVersion",
            id="no-base",
        ),
        pytest.param(
            entity(f'update="1" id="{SITI}" baseVersion="-1"'), "bad_data", "-1", id="negative"
        ),
        pytest.param(
            entity(f'update="1" id="{SITI}" baseVersion="٣"'), "bad_data", "٣", id="arabic-digit"
        ),
        pytest.param(
            entity(f'update="1" id="{SITI}" baseVersion="{"9" * 5000}"'),
            "bad_data",
            "999",
            id="longer-than-an-int",
        ),
        pytest.param(
            entity(f'update="1" id="{SITI}" baseVersion="99999999999"'),
            "bad_data",
            "999",
            id="no-store-could-hold-it",
        ),
        pytest.param(
            entity(f'update="1" id="{SITI}" baseVersion="1" branchId="b"'),
            "bad_data",
            "branchId",
            id="branch-is-no-uuid",
        ),
        pytest.param(
            entity(f'update="1" id="{SITI}" baseVersion="1" trunkVersion="1"'),
            "bad_data",
            "branchId",
            id="trunk-without-branch",
        ),
        pytest.param(
            entity(
                f'update="1" id="{SITI}" baseVersion="1" trunkVersion="1.0" branchId="{BRANCH}"'
            ),
            "bad_data",
            "trunkVersion",
            id="trunk-no-number",
        ),
        pytest.param(
            entity(f'create="1" id="{SITI}"', dataset=""), "bad_data", "dataset", id="no-list"
        ),
        pytest.param(
            entity(f'create="1" id="{SITI}"', dataset="ibu"), "not_allowed", "ibu", id="other-list"
        ),
    ],
)
def test_one_bad_entity(meta, code, word):
    found = only(meta)

    assert isinstance(found, Unreadable)
    assert (found.ordinal, found.code) == (0, code)
    assert word in found.detail
    assert found.change_id == str(uuid5(UUID(PROJECT), "f\nuuid:i1\n0"))


@pytest.mark.parametrize(
    ("definition", "action"),
    [
        pytest.param(CREATE, 'update="1" baseVersion="1"', id="update-by-a-create-form"),
        pytest.param(UPDATE, 'create="1"', id="create-by-an-update-form"),
        pytest.param(form(QUESTIONS.replace("| save_to |", "| hint |")), 'create="1"', id="none"),
    ],
)
def test_what_the_form_does_not_declare_is_not_allowed(definition, action):
    found = only(entity(f'{action} id="{SITI}"'), definition)

    assert (found.code, found.entity) == ("not_allowed", SITI)


def test_each_repeat_is_an_entity_in_document_order():
    raw = house(a_child(SITI, "Siti", "1"), a_child(BUDI, "Budi", "2"))

    found = changes(read(raw.encode()), HOUSE)

    assert [(c.list_name, c.entity, c.label, c.data) for c in found] == [
        ("anak", SITI, "Siti", {"nama": "Siti", "nik": "1"}),
        ("anak", BUDI, "Budi", {"nama": "Budi", "nik": "2"}),
        ("rumah", BRANCH, "Melati 5", {"alamat": "Melati 5"}),
    ]
    ids = [str(uuid5(UUID(PROJECT), f"f\nuuid:i1\n{ordinal}")) for ordinal in range(3)]
    assert [c.change_id for c in found] == ids


def test_one_bad_entity_spoils_no_other():
    found = changes(
        read(house(a_child("x", "Siti", "1"), a_child(BUDI, "Budi", "2")).encode()), HOUSE
    )

    assert [type(one) for one in found] == [Unreadable, Change, Change]
    assert (found[0].ordinal, found[0].list_name, found[0].entity) == (0, "anak", "x")


def test_an_entity_left_alone_keeps_its_ordinal():
    left_alone = a_child(SITI, "Siti", "1").replace('create="1"', 'create="0"')

    found = changes(read(house(left_alone, a_child(BUDI, "Budi", "2")).encode()), HOUSE)

    assert [c.entity for c in found] == [BUDI, BRANCH]
    assert found[0].change_id == str(uuid5(UUID(PROJECT), "f\nuuid:i1\n1"))


def test_an_entity_in_a_place_the_form_does_not_know_takes_nothing_from_its_neighbour():
    stray = f'<g><meta>{entity(f"""create="1" id="{BUDI}" """)}</meta></g>'
    twice = entity(f'create="1" id="{SITI}"') + entity(f'create="1" id="{BUDI}"')

    first, second = changes(submission(entity(f'create="1" id="{SITI}"'), stray + "<bb>9</bb>"))
    kept, other = changes(submission(twice))

    assert (first.code, second.entity, second.data) == ("not_allowed", SITI, {"bb": "9"})
    assert (kept.entity, other.code) == (SITI, "not_allowed")


def test_repeats_that_update_carry_each_their_own_base():
    weighing = form(
        """
        | survey |
        |        | type                          | name   | label | save_to |
        |        | begin_repeat                  | timbang | T    |         |
        |        | select_one_from_file anak.csv | anak   | Anak  |         |
        |        | decimal                       | bb     | Berat | bb      |
        |        | end_repeat                    |        |       |         |
        | entities |
        |        | list_name | entity_id |
        |        | anak      | ${anak}   |
        """
    )

    def weighed(child: str, weight: str, base: str) -> str:
        meta = entity(f'update="1" id="{child}" {base}', label=None)
        return f"<timbang><anak>{child}</anak><bb>{weight}</bb><meta>{meta}</meta></timbang>"

    offline = f'baseVersion="4" trunkVersion="3" branchId="{BRANCH}"'
    answers = weighed(SITI, "9.1", 'baseVersion="2"') + weighed(BUDI, "8.7", offline)

    found = changes(submission("", answers), weighing)

    assert [(c.entity, c.data["bb"], c.base_version, c.trunk_version) for c in found] == [
        (SITI, "9.1", 2, None),
        (BUDI, "8.7", 4, 3),
    ]


def test_prefixes_and_namespaces_do_not_matter():
    raw = f"""<f:data xmlns:f="urn:f" id="f"><f:nama>Siti</f:nama><orx:meta>
      <entities:entity dataset="anak" create="1" id="{SITI}">
        <entities:label>Siti</entities:label></entities:entity>
      <orx:instanceID>uuid:i1</orx:instanceID></orx:meta></f:data>"""

    [change] = changes(read(raw.encode()))

    assert (change.label, change.data) == ("Siti", {"nama": "Siti"})


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-11-21T10:00:00.000+07:00", "2026-11-21T03:00:00.000Z"),
        ("2026-11-21T03:00:00.123456Z", "2026-11-21T03:00:00.123Z"),
        ("2026-11-21T03:00:00+07", "2026-11-20T20:00:00.000Z"),
        ("2026-11-21T03:00:00.000", None),
        ("2026-11-21", None),
        ("", None),
        ("kemarin", None),
        ("0001-01-01T00:00:00+07:00", None),
    ],
)
def test_the_time_of_the_form_is_an_instant(written, instant):
    meta = entity(f'create="1" id="{SITI}"')

    assert only(meta, answers=f"<selesai>{written}</selesai>").client_time == instant
    assert only(f"{meta}<timeEnd>{written}</timeEnd>", answers="").client_time == instant
    assert as_instant(written) == instant


def test_an_encrypted_instance_asks_for_nothing_but_names_its_parts():
    raw = b"""<data xmlns="http://www.opendatakit.org/xforms/encrypted" id="f" encrypted="yes">
      <media><file>foto.jpg.enc</file><file>audit.csv.enc</file></media>
      <encryptedXmlFile>submission.xml.enc</encryptedXmlFile></data>"""

    assert changes(read(raw)) == ()
    assert attachment_names(read(raw), UPSERT) == (
        "foto.jpg.enc",
        "audit.csv.enc",
        "submission.xml.enc",
    )
