"""Installs in this process, listening for real; and a pack that is small on purpose."""

import sqlite3
import threading
import uuid
from contextlib import ExitStack
from pathlib import Path

from click.testing import CliRunner

from conflict.policy import Policy
from odk_forms.packs import AccessRule, Pack, PackList, PackProperty
from sync_server.app import create_app
from sync_server.commands import main
from sync_server.db import db
from sync_server.demo.loading import listening
from sync_server.settings import load
from sync_server.simulator.installs import InstallFailed
from tests.support.serving import ADMIN_EMAIL, ADMIN_PASSWORD, free_port

_ENVIRON = threading.Lock()


class InHouse:
    """An install made from `template`: what a kill does to it is to hang up on everybody."""

    email, password = ADMIN_EMAIL, ADMIN_PASSWORD

    def __init__(self, home: Path, template: Path) -> None:
        self._template, self._home = template, home
        self._store = home / "simpul.db"
        self._port = free_port()
        self._serving = ExitStack()
        self.url = f"http://127.0.0.1:{self._port}"
        self._environ = {
            "SIMPUL_HOME": str(home),
            "SIMPUL_DATABASE_URL": f"sqlite:///{self._store}",
            "SIMPUL_SECRET_KEY": f"the secret of {home.name}",
        }

    def initialise(self) -> None:
        self._home.mkdir()
        self._store.write_bytes(self._template.read_bytes())
        with sqlite3.connect(self._store) as store:
            store.execute("UPDATE nodes SET node = ?", [str(uuid.uuid4())])
        store.close()
        self._app = create_app(load(self._environ))

    def start(self) -> None:
        self._serving.enter_context(listening(self._app, self._port))

    def kill(self) -> None:
        self._serving.close()

    def stop(self) -> None:
        self._serving.close()
        with self._app.app_context():
            db.engine.dispose()

    def command(self, *arguments: str) -> str:
        with _ENVIRON:
            done = CliRunner().invoke(main, list(arguments), env=dict(self._environ))
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        if done.exit_code:
            raise InstallFailed(done.output.strip())
        return done.stdout


def small_pack() -> Pack:
    """A form to register and one to visit, which sends of a record only what was answered."""
    properties = tuple(
        PackProperty(
            name=name,
            labels={"id": name, "en": name},
            policy=Policy.parse(policy),
            phone=name != "nik",
        )
        for name, policy in _PROPERTIES.items()
    )
    listed = PackList(
        name="anak",
        labels={"id": "Anak", "en": "Children"},
        properties=properties,
        access=(AccessRule(property_name="posyandu", actor_property="posyandu"),),
        sample=(),
    )
    return Pack(
        name="small",
        titles={"id": "Kecil", "en": "Small"},
        forms={"daftar.md": _form("daftar"), "ukur.md": _form("ukur")},
        lists={"anak": listed},
        actor_properties={"posyandu": {"id": "Posyandu", "en": "Posyandu"}},
    )


_PROPERTIES = {
    **{"nama": "review", "nik": "first", "posyandu": "review", "rt": "last"},
    **{"bb": "latest(tgl)", "tgl": "review", "imunisasi": "union"},
}


def _form(form_id: str) -> str:
    visits = form_id == "ukur"
    asked = [name for name in _PROPERTIES if not visits or name not in ("nik", "posyandu")]
    relevant = "${anak} != ''" if visits else ""
    rows = "".join(
        f"| | text | {name} | {name} | {name} | {relevant} "
        f"| {'' if name == 'tgl' else _PROPERTIES[name]} | {'no' if name == 'nik' else ''} |\n"
        for name in asked
    )
    child = "| | select_one_from_file anak.csv | anak | anak | | | | |\n" if visits else ""
    return (
        "| settings |\n| | form_title | form_id | version | namespaces |\n"
        f'| | {form_id} | {form_id} | 1 | simpul="urn:simpul:xforms" |\n'
        "| entities |\n| | list_name | label | entity_id |\n"
        f"| | anak {'| | ${anak} |' if visits else '| ${nama} | |'}\n"
        "| survey |\n| | type | name | label | save_to | relevant | bind::simpul:merge "
        "| bind::simpul:phone |\n"
        f"| | end | end | | | | | |\n{child}{rows}"
    )
