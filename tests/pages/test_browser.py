"""The pages in a real browser: narrow and wide, light and dark, by mouse and by keyboard."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from sync_server.publishing.drafts import keep_draft
from tests.pages.conftest import CHILD
from tests.pages.visitor import ADMIN, at
from tests.scenarios.posyandu import Village, checked_form

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True),
]

# What WCAG 2.2 AA asks of text: 4.5 to one, 3 to one where it is large.
FAINT_TEXT = """() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (let one = node; one; one = one.parentElement) {
      const color = parts(getComputedStyle(one).backgroundColor);
      if (color.length < 4 || color[3] > 0.99) return color.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.data.trim() || !node.checkVisibility() || node.closest('.unseen, .skip')) continue;
    const style = getComputedStyle(node);
    const over = behind(node);
    const color = parts(style.color);
    const alpha = (color[3] ?? 1) * Number(getComputedStyle(node).opacity);
    const mixed = color.slice(0, 3).map((c, i) => c * alpha + over[i] * (1 - alpha));
    const [low, high] = [light(mixed), light(over)].sort((a, b) => a - b);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.6 && Number(style.fontWeight) >= 700);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < (large ? 3 : 4.5)) faint.push(`${text.data.trim()}: ${ratio.toFixed(2)}`);
  }
  return faint;
}"""

# Fields without a name, pictures without words, ids said twice, headings that are missing.
UNNAMED = """() => {
  const wrong = [];
  for (const field of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
    if (!field.labels.length && !field.ariaLabel) wrong.push(`no label: ${field.name}`);
  }
  for (const one of document.querySelectorAll('a, button, summary')) {
    if (!one.textContent.trim() && !one.ariaLabel) wrong.push(`no words: ${one.outerHTML}`);
  }
  for (const table of document.querySelectorAll('table')) {
    const named = table.caption || table.closest('[aria-labelledby]');
    if (!named) wrong.push('a table without a caption');
    if (table.querySelector('th:not([scope])')) wrong.push('a th without scope');
  }
  const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`twice: ${id}`);
  if (document.querySelectorAll('h1').length !== 1) wrong.push('not one h1');
  if (!document.documentElement.lang) wrong.push('no language');
  for (const one of document.querySelectorAll('a.button, button, input:not([type=hidden])')) {
    const box = one.getBoundingClientRect();
    if (one.checkVisibility() && box.height < 24) wrong.push(`small: ${one.outerHTML}`);
  }
  return wrong;
}"""

WIDER_THAN_THE_SCREEN = """() => [...document.querySelectorAll('body *')]
  .filter((one) => !one.closest('.scroll, .skip, .unseen'))
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
  .map((one) => one.outerHTML.slice(0, 90))"""


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The app, listening for a browser; its address without a slash at the end."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def busy(village: Village, disputed: str) -> Village:
    """A village with something on every page, of long names and long words."""
    long = village.phone("Ibu Rr. Hj. Siti Nurhalizah Kusumawardhani-Prawirodirdjo")
    long.post(
        b"<data id='kunjungan_rumah_dan_pemantauan'><meta><instanceID>uuid:1</instanceID>"
        b"</meta></data>"
    )
    long.get("forms/ukur.xml", **{"User-Agent": "org.odk.collect.android/v2026.2.4 Dalvik/2"})
    long.send(long.register("7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7eaa", "N" * 60, nama="W" * 90))
    here = village.app.extensions["simpul"]
    of = {"by": village.admin, "clock": here.clock, "secret_key": here.settings.secret_key}
    with village.app.app_context():
        here.contacts.flush()
        keep_draft(village.project.id, checked_form("ukur", "update"), **of)
    return village


def paths(village: Village) -> list[str]:
    """Every page of a project that a manager may open."""
    review = village.reviews(CHILD)[0].review_id
    kept = village.quarantine()[0].quarantine_id
    sent = next(one for one in village.changes(CHILD) if one.instance_id)
    device = village.phone("Kader baru").actor_id
    below = [
        "board",
        "lists",
        "lists/anak",
        "reviews",
        "quarantine",
        "forms",
        "forms/new",
        "form?form=ukur",
        "draft?form=ukur",
        "devices",
        "devices/cards",
        f"devices/{device}/card",
        f"records/{CHILD}",
        "records/7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7eaa",
        f"reviews/{review}",
        f"quarantine/{kept}",
        f"submission?form={sent.xml_form_id}&instance={sent.instance_id}",
        "nowhere",
    ]
    return ["/login", "/?all=1", *(at(village, path) for path in below)]


def log_in(page: Page, site: str) -> None:
    page.goto(site)
    page.get_by_label("Alamat email").fill(ADMIN[0])
    page.get_by_label("Kata sandi").fill(ADMIN[1])
    page.get_by_role("button", name="Masuk").click()
    page.get_by_role("heading", name="Papan sinkron").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_fits_reads_and_is_named(
    chromium: Browser, site: str, busy: Village, width: int, scheme: str
):
    context = chromium.new_context(
        viewport={"width": width, "height": 740}, color_scheme=scheme, locale="id-ID"
    )
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if "Refused" in said.text else None)
    log_in(page, site)
    for path in paths(busy):
        page.goto(site + path)
        for summary in page.locator("main summary").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            path,
            page.evaluate(WIDER_THAN_THE_SCREEN),
        )
        assert page.evaluate(FAINT_TEXT) == [], path
        assert page.evaluate(UNNAMED) == [], path
    assert not refused
    context.close()


def test_a_question_is_decided_by_one_click_on_a_phone_without_scripts(
    chromium: Browser, site: str, busy: Village
):
    context = chromium.new_context(
        viewport={"width": 360, "height": 740}, java_script_enabled=False, locale="id-ID"
    )
    page = context.new_page()
    log_in(page, site)
    page.get_by_role("link", name="Perlu dicek 1").click()
    page.get_by_role("link", name="Lihat").click()
    page.get_by_role("button", name="Pilih 8.1").click()
    assert page.get_by_text("Diputuskan: bb adalah 8.1").is_visible()
    assert busy.shown(CHILD)["bb"] == "8.1"
    page.get_by_role("button", name="Batalkan keputusan").click()
    assert page.get_by_role("button", name="Pilih 9.0").is_visible()
    context.close()


def test_the_keyboard_reaches_the_content_first(page: Page, site: str, village: Village):
    log_in(page, site)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_a_form_is_uploaded_and_published(page: Page, site: str, village: Village):
    log_in(page, site)
    page.get_by_role("link", name="Formulir").click()
    page.get_by_role("link", name="Terbitkan formulir").click()
    text = (
        "| settings |\n| | form_title | form_id | version |\n| | Kunjungan | kunjungan | 1 |\n"
        "| survey |\n| | type | name | label |\n| | text | a | Apa? |\n"
    )
    file = {"name": "kunjungan.md", "mimeType": "text/plain", "buffer": text.encode()}
    page.get_by_label("Formulir", exact=True).set_input_files(file)
    page.get_by_role("button", name="Periksa formulir").click()
    page.get_by_role("button", name="Terbitkan ke semua HP").click()
    page.get_by_text("Sudah terbit: kunjungan").wait_for()


def test_what_is_downloaded_first_is_small(page: Page, site: str, busy: Village):
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(len(answer.body()) if answer.ok else 0))
    log_in(page, site)
    assert sum(sizes) <= 150_000
