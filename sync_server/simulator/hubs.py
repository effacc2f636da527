"""Hubs of the fleet: installs of their own, paired with the centre and relayed by `simpul`."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from sync_server.simulator.cables import Cable
from sync_server.simulator.faults import Luck
from sync_server.simulator.installs import Install, InstallFailed
from sync_server.simulator.office import Office, logged_in

_TRIES = 12


class Hub:
    """One install that is a hub of the fleet's project; `areas` are what it serves, {} all.

    `luck` is that of its cable; without one it is always well.
    """

    def __init__(
        self,
        name: str,
        install: Install,
        areas: dict[str, list[str]],
        luck: Luck | None = None,
    ) -> None:
        self.name, self.install, self.areas = name, install, areas
        self._luck = luck
        self._cable: Cable | None = None
        self.project_id = 0

    def begin(self, centre: Office) -> None:
        """Become a hub and serve. Errors: `InstallFailed`."""
        sent = {"name": self.name, "properties": self.areas}
        code = centre.of_project("POST", "sync/hubs", json=sent)["code"]
        if self._luck is not None and centre.url.startswith("http:"):
            self._cable = Cable(centre.url, self._luck)
        url = self._cable.url if self._cable else centre.url
        told = json.loads(self.install.command("hub", "pair", url, code, "--json"))
        self.project_id = int(told["projectId"])
        self.install.start()

    def spoil(self) -> None:
        """From now on its cable breaks now and then."""
        if self._cable is not None:
            self._cable.spoil()

    def heal(self) -> None:
        """From now on its cable holds."""
        if self._cable is not None:
            self._cable.heal()

    def end(self) -> None:
        """Stop it, and take its cable away."""
        self.install.stop()
        if self._cable is not None:
            self._cable.close()

    def office(self) -> Office:
        """A manager's line to this hub."""
        here = self.install
        return logged_in(here.url, here.email, here.password).another(self.project_id)

    def relay(self) -> None:
        """Send and fetch once, by hand; the link may be away."""
        with suppress(InstallFailed):
            self.install.command("push")
            self.install.command("pull")

    def push(self) -> int:
        """Send all that waits; how many items went. Errors: `InstallFailed`."""
        return self._until_it_does("push", "sent")

    def pull(self) -> int:
        """Fetch all there is; how many items came. Errors: `InstallFailed`."""
        return self._until_it_does("pull", "fetched")

    def _until_it_does(self, command: str, counted: str) -> int:
        for _ in range(_TRIES):
            with suppress(InstallFailed):  # the serving hub may be speaking with the centre itself
                return int(json.loads(self.install.command(command, "--json"))[counted])
        return int(json.loads(self.install.command(command, "--json"))[counted])

    def export(self, path: Path) -> None:
        """All that came in here, as a file."""
        self.install.command("export-batch", str(path))
