"""The phone's own list keeps, replaces and drops its entities by Collect's table."""

from itertools import count

import pytest

from sync_server.fleet.blocks import EntityBlock
from sync_server.fleet.local_list import LocalList

SITI = "0b2c7e0e-5a0f-4b57-9d4a-1f6c0c1d2e3f"


@pytest.fixture
def anak():
    """A list downloaded empty, whose branches are b0, b1, b2 ..."""
    numbers = count()
    local = LocalList("anak", new_branch=lambda: f"b{next(numbers)}")
    assert local.import_csv(b"name,label,__version,berat\n")
    return local


def served(version, weight="8"):
    return f"name,label,__version,berat\n{SITI},Siti,{version},{weight}\n".encode()


def block(*, create=False, update=False, entity=SITI, label=None, dataset="anak", **properties):
    return EntityBlock(
        dataset=dataset,
        id=entity,
        create=create,
        update=update,
        base_version="",
        trunk_version="",
        branch_id="",
        label=label,
        properties=properties,
    )


def standing(local):
    e = local.entities[SITI]
    return e.version, e.trunk_version, e.branch_id, e.offline, e.properties["berat"]


def test_offline_edits_count_up_and_keep_trunk_and_branch(anak):
    anak.import_csv(served(3))
    anak.apply(block(update=True, berat="9"))
    anak.apply(block(update=True, berat="10"))

    assert standing(anak) == (5, 3, "b0", False, "10")


@pytest.mark.parametrize(
    ("edits", "server", "expected"),
    [
        pytest.param(0, 4, (4, 4, "b1", False, "7"), id="newer-row-replaces"),
        pytest.param(1, 4, (4, 4, "b1", False, "7"), id="equal-and-edited-here-is-replaced"),
        pytest.param(0, 3, (3, 3, "b0", False, "8"), id="equal-and-clean-is-left"),
        pytest.param(2, 4, (5, 3, "b0", False, "9"), id="edits-not-yet-there-are-kept"),
    ],
)
def test_a_row_from_the_server_meets_the_local_copy(anak, edits, server, expected):
    anak.import_csv(served(3))
    for _ in range(edits):
        anak.apply(block(update=True, berat="9"))

    anak.import_csv(served(server, "7"))

    assert standing(anak) == expected


def test_a_create_waits_for_the_server_and_then_leaves_with_it(anak):
    assert anak.apply(block(create=True, label="Siti", berat="8"))
    anak.apply(block(update=True, berat="9"))
    assert standing(anak) == (2, None, "b0", True, "9")

    anak.import_csv(b"name,label,__version,berat\n")
    assert anak.offline_ids() == (SITI,)
    anak.import_csv(served(1))
    assert standing(anak) == (2, None, "b0", False, "9")
    anak.import_csv(b"name,label,__version,berat\n")
    assert anak.entities == {}


def test_the_integrity_answer_removes_only_what_was_made_here(anak):
    anak.apply(block(create=True, label="Siti", berat="8"))
    anak.forget([SITI])
    assert anak.entities == {}

    anak.import_csv(served(1))
    anak.forget([SITI])
    assert SITI in anak.entities


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(block(create=True, label=" "), id="no-label"),
        pytest.param(block(create=True, label="Siti", entity="42"), id="no-uuid"),
        pytest.param(block(create=True, label="Siti", dataset="ibu"), id="another-list"),
        pytest.param(block(label="Siti"), id="neither-create-nor-update"),
        pytest.param(block(update=True), id="update-of-a-stranger"),
    ],
)
def test_what_collect_does_not_keep(anak, refused):
    assert not anak.apply(refused)
    assert anak.entities == {}


def test_a_list_never_downloaded_keeps_nothing():
    assert not LocalList("anak").apply(block(create=True, label="Siti"))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty-file"),
        pytest.param(b"name,label,berat\n", id="no-version-column"),
        pytest.param(b"name,label,__version,berat,berat\n", id="column-twice"),
        pytest.param(served(3) + b"x,short\n", id="short-row"),
    ],
)
def test_a_file_collect_ignores_changes_nothing(anak, content):
    anak.import_csv(served(3))

    assert not anak.import_csv(content)
    assert standing(anak) == (3, 3, "b0", False, "8")


def test_the_file_for_forms_has_the_three_local_columns(anak):
    anak.apply(block(create=True, label="Siti, RT 2", berat="8", catatan="baru"))

    assert anak.to_csv().decode().splitlines() == [
        "name,label,__version,__trunkVersion,__branchId,berat,catatan",
        f'{SITI},"Siti, RT 2",1,,b0,8,baru',
    ]
