"""`docs/protocol.md`: each number has a test, its examples and its table are the program's own."""

import re
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import update

from sync_server import errors
from sync_server.db import write_transaction
from sync_server.models.people import Node, Project
from tests.docs.exchanges import Asked, laid_out, read, with_answers
from tests.scenarios.posyandu import Village
from tests.support.api import administrator
from tests.support.promises import promise, promises_of

TESTS = Path(__file__).parent.parent
PAGE = TESTS.parent / "docs" / "protocol.md"
NODE = "0de00000-0000-4000-8000-000000000001"
EPOCH = "ea000000-0000-4000-8000-000000000001"
PROJECT = "b1000000-0000-4000-8000-000000000001"

NUMBER = re.compile(r"\*\*(P\d+)\*\*")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_promise_has_a_test_and_no_test_names_another(page):
    promised, held = Counter(NUMBER.findall(page)), set(promises_of(TESTS, "P"))
    assert [number for number, times in promised.items() if times > 1] == []
    assert sorted(promised.keys() - held, key=len) == []
    assert sorted(held - promised.keys()) == []


def test_a_number_stands_before_one_sentence_and_no_item_is_without(page):
    prose = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    items = re.findall(r"^- (.*(?:\n  .*)*)", prose, flags=re.MULTILINE)
    for item in items:
        text = " ".join(item.split())
        assert NUMBER.match(text), text
        assert re.search(r"[.?!] [A-Z]", text.partition("** ")[2]) is None, text
        assert text.endswith("."), text


def table_of_codes() -> str:
    """Every refusal, by its number."""
    found = [one for one in vars(errors).values() if isinstance(one, type)]
    refusals = [one for one in found if issubclass(one, errors.SyncError) and hasattr(one, "code")]
    rows = [
        f"| {one.code:g} | `{one.retry.value}` | {one.__doc__.splitlines()[0]} |"
        for one in sorted(refusals, key=lambda one: (one.code, one.__name__))
    ]
    return "\n".join(["| code | retry | what it says |", "|---|---|---|", *rows])


def test_the_table_of_codes_is_that_of_the_program(page):
    told = page.partition("<!-- codes -->\n")[2].partition("\n<!-- /codes -->")[0]
    assert told == table_of_codes()


@pytest.fixture
def ask(app, clock):
    """Ask a posyandu whose ids are those of the page."""
    village = Village.begin(app, clock)
    with app.app_context(), write_transaction() as connection:
        connection.execute(update(Node).values(node=NODE, epoch=EPOCH))
        connection.execute(update(Project).values(uuid=PROJECT))
    tokens = {
        "device": village.phone("Bu Tuti").token,
        "manager": administrator(village.client).token,
    }

    def asked(one: Asked):
        clock.pass_seconds(60)
        headers = {"Authorization": f"Bearer {tokens[one.who]}", **one.headers}
        kind = "application/octet-stream" if one.headers else "application/json"
        return village.client.open(
            one.path, method=one.method, data=one.body, content_type=kind, headers=headers
        )

    return asked


@promise("P4", "P12", "P18", "P70", "P71", "P81")
def test_the_examples_are_answered_as_the_page_says(page, ask):
    answered = with_answers(page, ask)
    assert answered == page
    for name, text in re.findall(r'"(\w+(?:At|Time))": "([^"]+)"', answered):
        assert MOMENT.fullmatch(text) or name in ("sentAt", "clientTime"), (name, text)


def test_what_asks_for_nothing_is_refused_and_long_answers_are_laid_out():
    with pytest.raises(ValueError, match="asks for nothing"):
        read("hello\n")
    long = {"a": ["x" * 70, {"b": "word " * 12, "c": "word " * 12}], "d": 1}
    assert max(len(line) for line in laid_out(long).split("\n")) <= 100
    assert '"xxxxxxxxxxxx…"' in laid_out(long)
