"""Every text is in Indonesian, and each page speaks the language asked for."""

from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import sync_server
from sync_server.pages.words import CATALOGUES, lately
from tests.pages.visitor import Visitor, at

ROOM = Path(sync_server.__file__).parent
KEYWORDS = {"_": None, "_l": None, "gettext": None, "ngettext": (1, 2)}


def said() -> set:
    """Every text in the code of pages and in the templates."""
    found = set()
    for folder, pattern, method in (
        ("pages", "**.py", "python"),
        ("templates", "**.html", "jinja2.ext:babel_extract"),
    ):
        texts = extract_from_dir(str(ROOM / folder), [(pattern, method)], keywords=KEYWORDS)
        found |= {text for _, _, text, _, _ in texts}
    return found


def translated() -> dict:
    with (CATALOGUES / "id" / "LC_MESSAGES" / "messages.po").open("rb") as source:
        return {message.id: message.string for message in read_po(source) if message.id}


def test_every_text_has_its_indonesian():
    catalogue = translated()
    missing = [text for text in said() if not catalogue.get(text)]
    assert not missing
    assert all(all(text) for text in catalogue.values() if isinstance(text, tuple))


def test_no_translation_is_of_a_text_that_is_gone():
    assert set(translated()) <= said()


def test_translations_fill_in_what_the_texts_name():
    for text, translation in translated().items():
        one = text if isinstance(text, str) else text[1]
        other = translation if isinstance(translation, str) else translation[0]
        assert set(_places(one)) == set(_places(other)), one


def _places(text: str) -> list[str]:
    return [part.split(")s")[0] for part in text.split("%(")[1:]]


@pytest.mark.parametrize(
    ("lang", "heading", "code"), [("id", "Papan sinkron", "id"), ("en", "Sync board", "en")]
)
def test_a_page_speaks_the_language_asked_for_and_remembers(village, admin, lang, heading, code):
    assert heading in admin.see(at(village, f"board?lang={lang}"))
    answer = admin.get(at(village, "board"))
    assert f'<html lang="{code}">' in answer.text
    assert heading in answer.text


def test_indonesian_is_first_and_a_language_nobody_has_is_ignored(village):
    visitor = Visitor(village.app)
    assert "Kata sandi" in visitor.see("/login")
    assert "Kata sandi" in visitor.see("/login?lang=xx")
    assert "Password" in visitor.see("/login?lang=en")


def test_the_switch_keeps_what_one_looks_at(village, admin):
    page = admin.get(at(village, "board?health=late&q=siti")).text
    href = page.split('hreflang="en"')[0].rsplit('href="', 1)[1].split('"')[0]
    assert "health=late" in href
    assert "q=siti" in href
    assert "lang=en" in href


def test_times_are_those_of_the_place(village, admin, euis):
    # Registered at 03:00 UTC: ten in the morning in Java.
    assert "21 Nov 2026 10.00" in admin.see(at(village, "lists/anak"))
    assert "21 Nov 2026 10:00" in admin.see(at(village, "lists/anak?lang=en"))


@pytest.mark.parametrize(
    ("instant", "said"),
    [
        ("2026-11-20T16:59:00.000Z", "kemarin 23.59"),  # by the days of the place, not of UTC
        ("2026-11-20T17:00:00.000Z", "hari ini 00.00"),
        ("2026-11-19T16:59:00.000Z", "19 Nov 2026 23.59"),
        ("2026-11-22T03:00:00.000Z", "22 Nov 2026 10.00"),
        (None, "–"),
    ],
)
def test_lately_is_today_or_yesterday_and_else_a_date(app, instant, said):
    with app.test_request_context():
        assert lately(instant).striptags() == said
