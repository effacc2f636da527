"""What every JSON shape refuses, without a server."""

from contextlib import suppress

import pytest
from marshmallow import Schema, ValidationError

from schemas import app_users, assignments, datasets, entities, projects, reviews, sessions, users
from schemas.base import MISSING, UNKNOWN

READ = {
    sessions.NewSession: {"email": "a@b.co", "password": "x"},
    users.NewUser: {"email": "a@b.co"},
    users.UserPatch: {"displayName": "A"},
    users.NewPassword: {"new": "x"},
    projects.NewProject: {"name": "P"},
    projects.ProjectPatch: {"archived": True},
    app_users.NewAppUser: {"displayName": "A", "properties": {"posyandu": ["x", "y"]}},
    app_users.AppUserPatch: {"properties": {}},
    app_users.ActorPropertyShape: {"name": "posyandu"},
    assignments.NewAssignment: {"properties": {"posyandu": "x"}},
    datasets.NewDataset: {"name": "anak"},
    datasets.DatasetPatch: {"accessFilter": None},
    datasets.NewProperty: {"name": "bb", "policy": "latest(tgl)", "phone": False},
    datasets.PropertyPatch: {"phone": True},
    entities.NewEntity: {"label": "Siti", "data": {"nama": "Siti"}},
    entities.NewEntities: {"entities": [{"label": "Siti"}], "source": {"name": "a.csv"}},
    entities.EntityPatch: {"data": {"nama": ""}},
    reviews.Resolve: {"contenders": ["x"], "value": ""},
    reviews.Reopen: {},
}


@pytest.fixture(params=READ, ids=lambda shape: shape.__name__)
def shape(request) -> type[Schema]:
    return request.param


def test_what_is_right_is_read(shape):
    assert isinstance(shape().load(READ[shape]), dict)


def test_an_unknown_key_is_refused_by_name(shape):
    with pytest.raises(ValidationError) as caught:
        shape().load({**READ[shape], "isAdmin": True})
    assert caught.value.messages["isAdmin"] == [UNKNOWN]


def test_a_missing_key_is_refused_by_name(shape):
    for name, field in shape().fields.items():
        if field.required:
            left = {key: value for key, value in READ[shape].items() if key != field.data_key}
            with pytest.raises(ValidationError) as caught:
                shape().load(left)
            assert caught.value.messages[field.data_key] == [MISSING], name


@pytest.mark.parametrize(
    "value", [5, 1.5, True, "", "x", [], {}, [[]], {"x": {"y": []}}, None, "a\x00b", "\ud800"]
)
def test_any_type_anywhere_is_read_or_refused(shape, value):
    whole = [value] if isinstance(value, list) else value
    for sent in (whole, *({**READ[shape], key: value} for key in READ[shape])):
        with suppress(ValidationError):
            assert isinstance(shape().load(sent), dict)


@pytest.mark.parametrize("value", [1, 0, "true", "no", "x", []])
def test_a_flag_is_true_or_false_and_nothing_like_it(value):
    with pytest.raises(ValidationError):
        projects.ProjectPatch().load({"archived": value})


@pytest.mark.parametrize(
    "given",
    [
        "6F3A8A4E-4A55-4F0B-9D5B-2F7A1D1C0A01",
        "uuid:6f3a8a4e-4a55-4f0b-9d5b-2f7a1d1c0a01",
    ],
)
def test_an_entity_id_is_read_in_one_spelling(given):
    read = entities.NewEntity().load({"label": "x", "uuid": given})
    assert read["uuid"] == "6f3a8a4e-4a55-4f0b-9d5b-2f7a1d1c0a01"
