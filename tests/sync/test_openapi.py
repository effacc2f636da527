"""The OpenAPI page of the sync door: all of its routes, and answers that are as it says.

schemathesis asks every route what its shapes allow, and what they do not allow.
"""

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sync_server.web.openapi import path_of
from tests.support.promises import promise
from tests.sync.test_push import batch, create, new, update

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
METHODS = {"get", "head", "post", "patch", "put", "delete"}


@pytest.fixture
def page(app) -> dict[str, Any]:
    answer = app.test_client().get("/v1/openapi.json")
    assert answer.status_code == 200
    return answer.json


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@promise("P3")
def test_every_route_of_the_door_is_on_the_page_and_no_other(app, page):
    served = {
        (path_of(rule), method.lower())
        for rule in app.url_map.iter_rules()
        if "/sync/" in rule.rule
        for method in rule.methods - {"OPTIONS", "HEAD"}
    }
    told = {(path, word) for path, item in page["paths"].items() for word in METHODS & item.keys()}
    assert {one for one in told if one[1] != "head"} == served
    assert all(one[0].endswith("/blobs/{sha256}") for one in told - served)
    for path, item in page["paths"].items():
        for method in METHODS & item.keys():
            assert item[method]["summary"], path
            assert len(item[method]["responses"]) > 1, path
            open_to_all = "{token}" in path or path == "/v1/sync/pair"
            assert (item[method]["security"] == []) == open_to_all, path


@pytest.fixture
def known(village, admin, sync) -> dict[str, list[Any]]:
    """What is here to be named in an address: records, questions, kept things, and nonsense."""
    child, phone = new(), village.phone("p")
    two = [update(child, 1, rt=rt) for rt in ("06", "07")]
    headers = {"Authorization": f"Bearer {phone.token}"}
    groups = ([create(child, rt="05")], two, [{"kind": "submission", "xml": "<a"}])
    sent = [batch(*items) for items in groups]
    for one in sent:
        village.client.post(f"/v1{sync}/push", json=one, headers=headers)
    reviews = admin.done("GET", f"{sync}/reviews")["reviews"]
    kept = admin.done("GET", f"{sync}/quarantine")["quarantine"]
    hub = admin.done("POST", f"{sync}/hubs", {"name": "Pustu"})
    return {
        "projectId": [village.project.id],
        "token": [phone.token],
        "entity": [child],
        "batchId": [one["batchId"] for one in sent],
        "id": [one["id"] for one in (*reviews, *kept)],
        "actorId": [hub["id"]],
        "tokens": [admin.token, phone.token],
    }


@pytest.mark.slow
@promise("P5")
def test_whatever_is_asked_the_answer_is_on_the_page(app, known):
    schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", app)
    for found in schema.get_all_operations():
        _asked(found.ok(), known)()


def _asked(operation: Any, known: dict[str, list[Any]]) -> Callable[[], None]:
    """Ask one route for what its shapes allow, and for what they do not, with a good address."""
    good = [operation.as_strategy(generation_mode=GenerationMode.POSITIVE)]
    bad = [operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)]

    @settings(
        max_examples=max(5, settings().max_examples // 20),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        case = data.draw(st.one_of(*good, *bad))
        for name in operation.path_parameters:
            if name.name in known and data.draw(st.integers(0, 9)):
                case.path_parameters[name.name] = data.draw(st.sampled_from(known[name.name]))
        bearer = data.draw(st.sampled_from(known["tokens"]))
        plain = {"Accept-Encoding": "identity"}  # what it is given it reads as it came
        answer = case.call(headers={"Authorization": f"Bearer {bearer}", **plain})
        case.validate_response(answer, checks=CHECKS)

    return ask
