"""The docs say what the program does."""

import re
from pathlib import Path

import click
import pytest

from sync_server.commands import main
from sync_server.settings import SETTINGS

ROOT = Path(__file__).parent.parent
ROOMS = ("conflict", "schemas", "odk_forms", "sync_server")


def test_every_setting_is_on_its_page_with_its_default_and_help():
    page = (ROOT / "docs" / "settings.md").read_text()
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else ""
        assert f"| `SIMPUL_{setting.name}` | {default} | {setting.help} |" in page
    assert page.count("| `SIMPUL_") == len(SETTINGS)


def commands(group: click.Group, path: str = "simpul"):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


@pytest.mark.parametrize(("name", "command"), list(commands(main)), ids=lambda x: str(x)[:40])
def test_every_command_and_option_says_what_it_is_for(name, command):
    assert command.help, name
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{name} {option.name}"


@pytest.mark.parametrize(
    "source",
    sorted(p for room in ROOMS for p in (ROOT / room).rglob("*.py")),
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_every_page_named_in_the_code_is_there(source):
    for page in re.findall(r"docs/[\w/.-]+\.md", source.read_text()):
        assert (ROOT / page).exists(), f"{source} names {page}"


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")), ids=lambda p: p.name
)
def test_every_link_between_pages_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
