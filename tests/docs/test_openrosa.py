"""`docs/openrosa.md`: each of its rules has a test, and no test names a rule that it has not."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.support.promises import promises_of

TESTS = Path(__file__).parent.parent
PAGE = TESTS.parent / "docs" / "openrosa.md"
BESIDE = PAGE.with_name("central-compatibility.md")
NUMBER = re.compile(r"\*\*(O\d+)\*\*")


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_rule_has_a_test_and_no_test_names_another(page):
    rules, held = Counter(NUMBER.findall(page)), set(promises_of(TESTS, "O"))
    assert [number for number, times in rules.items() if times > 1] == []
    assert sorted(rules.keys() - held) == []
    assert sorted(held - rules.keys()) == []


def test_a_number_stands_before_one_sentence_and_no_item_is_without(page):
    for item in re.findall(r"^- (.*(?:\n  .*)*)", page, flags=re.MULTILINE):
        text = " ".join(item.split())
        assert NUMBER.match(text), text
        assert re.search(r"[.?!] [A-Z]", text.partition("** ")[2]) is None, text
        assert text.endswith("."), text


def test_the_rules_of_a_section_stand_in_the_order_of_their_numbers(page):
    for section in page.split("\n## "):
        numbers = [int(number[1:]) for number in NUMBER.findall(section)]
        assert numbers == sorted(numbers)


def test_what_is_said_of_central_names_rules_that_there_are(page):
    named = set(re.findall(r"\bO\d+\b", BESIDE.read_text(encoding="utf-8")))
    assert sorted(named - set(NUMBER.findall(page))) == []
