"""`simpul export-batch` and `import-batch`: one line, or JSON, and an honest exit status."""

import json

import pytest

from sync_server.relay.syncbatch import Writer
from tests.support.promises import promise
from tests.sync.test_push import create, new


@pytest.fixture
def engine_name() -> str:
    """What the store keeps is tested beside the files; here it is what the commands say."""
    return "sqlite"


@promise("P103", "P105")
def test_a_batch_goes_out_and_in_and_its_cursor_is_told(simpul, tmp_path):
    simpul("project", "create", "Uji")
    (project,) = json.loads(simpul("project", "list", "--json").stdout)
    sent, back = tmp_path / "sent.syncbatch", tmp_path / "back.syncbatch"
    with sent.open("wb") as stream:
        writer = Writer(stream, {"project": project["uuid"]})
        writer.add_item(create(new()))
        writer.finish("theirs")

    first = simpul("import-batch", sent, "--json")
    again = simpul("import-batch", "--project", "Uji", sent)
    out = json.loads(simpul("export-batch", back, "--json").stdout)
    later = simpul("export-batch", "--since", out["cursor"], back)

    assert json.loads(first.stdout) == {
        **{"items": 1, "blobs": 0, "statuses": {"quarantined": 1}, "cursor": "theirs"}
    }
    assert again.output == f"{sent}: 1 item (1 quarantined), 0 attachments\n"
    assert (out["items"], out["blobs"], out["missing"]) == (1, 0, 0)
    assert later.output.startswith(f"{back}: 0 items, 0 attachments; next time --since ")

    sent.write_bytes(sent.read_bytes()[:-1])
    for wrong in (
        ("import-batch", sent),
        ("import-batch", back, "--by", "nobody@example.org"),
        ("export-batch", back, "--since", "none"),
        ("export-batch", tmp_path / "no" / "such.syncbatch"),
    ):
        refused = simpul(*wrong)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert (refused.stderr[:7], refused.stderr.count("\n")) == ("Error: ", 1)
    assert simpul("import-batch", tmp_path / "away").exit_code == 2


def test_who_brings_a_file_manages_the_project(simpul, tmp_path):
    simpul("project", "create", "Uji")
    password = ("--password", "kader-rajin-2026")
    simpul("user", "create", "bidan@example.org", *password, "--role", "viewer")
    simpul("user", "create", "kepala@example.org", *password, "--role", "manager")
    file = tmp_path / "empty.syncbatch"
    assert simpul("export-batch", file).exit_code == 0

    assert simpul("import-batch", file, "--by", "kepala@example.org").exit_code == 0
    refused = simpul("import-batch", file, "--by", "bidan@example.org")

    assert refused.exit_code == 1
    assert refused.stderr == "Error: bidan@example.org does not manage this project\n"
