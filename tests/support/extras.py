"""Programs some tests need and not every machine has: PostgreSQL, Java, Chromium.

A missing one skips its tests, unless SIMPUL_TEST_REQUIRE names it; then they fail.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def find_postgres() -> Path | None:
    """The folder of `initdb` and `postgres`; Debian keeps its newest one off PATH."""
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    folders = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: float(folder.parent.name), default=None)


def find_java() -> Path | None:
    found = shutil.which("java")
    return Path(found) if found else None


def find_chromium() -> Path | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next(filter(None, map(shutil.which, names)), None)
    return Path(found) if found else None


FINDERS: dict[str, Callable[[], Path | None]] = {
    "postgres": find_postgres,
    "java": find_java,
    "chromium": find_chromium,
}


def require(extra: str) -> Path:
    """Where `extra` is on this machine; ends the test when it is nowhere."""
    if found := FINDERS[extra]():
        return found
    wanted = os.environ.get("SIMPUL_TEST_REQUIRE", "").replace(" ", "").split(",")
    if extra in wanted:
        pytest.fail(f"SIMPUL_TEST_REQUIRE names {extra}, and it is not on this machine")
    pytest.skip(f"no {extra} on this machine")
