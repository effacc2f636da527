"""`simpul` in this process, on a database as `simpul init` leaves it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sync_server.commands import main

Simpul = Callable[..., Result]


@pytest.fixture
def simpul(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Simpul:
    """`simpul("form", "list")`: what came of it, with `output`, `stderr` and `exit_code`.

    Its errors are messages and exit codes: an exception that reaches the caller fails the test.
    """
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("SIMPUL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SIMPUL_DATABASE_URL", database_url)
    monkeypatch.setenv("SIMPUL_SECRET_KEY", "a secret of this test and no other")

    def run(*arguments: object, input: str | None = None) -> Result:
        result = CliRunner().invoke(main, [str(one) for one in arguments], input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
