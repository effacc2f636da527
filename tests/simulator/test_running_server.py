"""A fleet at a server that others run: in a project of its own, and without killing it."""

import pytest

from sync_server.simulator.office import logged_in
from sync_server.simulator.options import Options
from sync_server.simulator.running import Where, run
from tests.simulator.house import InHouse, small_pack

pytestmark = pytest.mark.scenario


@pytest.fixture
def running(tmp_path, sqlite_template):
    server = InHouse(tmp_path / "theirs", sqlite_template)
    server.initialise()
    server.start()
    yield server
    server.stop()


def test_it_makes_its_own_project_there_and_kills_nobody(
    running, tmp_path, sqlite_template, monkeypatch
):
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    office = logged_in(running.url, running.email, running.password)
    office.ask("POST", "projects", json={"name": "Theirs"})
    done = run(
        Options(seed=4, phones=1, hubs=0, programs=0, supervisors=0, weeks=1, kills=2),
        small_pack(),
        Where(url=running.url, email=running.email, password=running.password),
        tmp_path,
        installs=lambda name: InHouse(tmp_path / name, sqlite_template),
    )
    assert [one.broken for one in done.verdicts] == [()] * 6
    assert done.drill.kills == 0
    names = [one["name"] for one in office.ask("GET", "projects")]
    assert sorted(names) == ["Simulation, seed 4", "Theirs"]
