"""JavaRosa, the form engine inside ODK Collect, for tests: see Filler.java for what it does.

    with JavaRosa() as phone:
        filled = phone.fill(xform, {"nama": "Siti", "jk": "P"}, {"posyandu.csv": content})

What JavaRosa itself no longer does is in `sync_server.fleet`: reading the entity block back
(`blocks`), and keeping the phone's own list between forms (`local_list`).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pyxform.validators.odk_validate import ODK_VALIDATE_PATH

from sync_server.fleet.blocks import EntityBlock, entity_blocks
from tests.support.extras import require

SOURCE = Path(__file__).with_name("Filler.java")


@dataclass(frozen=True, slots=True)
class Filled:
    """A finalised form.

    `shown` has the text of every question met, by path, its outputs filled in: what the
    cadre read. `choices` has, for the questions asked about, (value, label) as offered.
    """

    xml: bytes
    entities: tuple[EntityBlock, ...]
    shown: dict[str, str]
    choices: dict[str, list[tuple[str, str]]]


class Refused(Exception):
    """The form did not take an answer, or was not complete.

    `kind` is constraint, required, bad_value, no_such_choice or not_asked; `message` is
    what the phone says. `shown` and `choices` are as in `Filled`, up to that question.
    """

    def __init__(
        self,
        facts: Mapping[str, str],
        shown: dict[str, str],
        choices: dict[str, list[tuple[str, str]]],
    ) -> None:
        self.kind = facts["kind"]
        self.path = facts["path"]
        self.message = facts["message"]
        self.shown = shown
        self.choices = choices
        super().__init__(f"{self.kind} at {self.path}: {self.message}")


class BrokenForm(Exception):
    """The engine cannot load the form, or fell over in it: a phone would crash or refuse it."""


class JavaRosa:
    """One Java process that fills any number of forms; start it once and keep it.

    Skips the test when there is no Java here, or fails it when SIMPUL_TEST_REQUIRE names java.
    """

    def __init__(
        self, *, device_id: str = "collect:javarosa00000001", timezone: str = "Asia/Jakarta"
    ) -> None:
        java = require("java")
        self._folder = tempfile.TemporaryDirectory(prefix="javarosa")
        self._log = (Path(self._folder.name) / "stderr").open("w+b")
        run = [str(java), "-Xshare:auto", "-XX:TieredStopAtLevel=1", f"-Duser.timezone={timezone}"]
        self._process = subprocess.Popen(
            [*run, "-cp", *_classpath_and_main(Path(self._folder.name)), device_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._process.communicate()  # the end of its input is the end of the process
        self._log.close()
        self._folder.cleanup()

    def fill(
        self,
        xform: bytes,
        answers: Mapping[str, str | None],
        media: Mapping[str, bytes] | None = None,
        *,
        choices_of: Collection[str] = (),
        language: str | None = None,
        at: datetime | None = None,
    ) -> Filled:
        """Answer the form's questions in its order and finalise it.

        Keys of `answers` and `choices_of` are paths ("/data/visit[2]/weight") or bare names.
        Values are as the XML has them: "9.1", "2026-11-21", a choice's value, several choices
        parted by spaces, "OK" for an acknowledgement; "" or None clears. `at` is what a form
        notes as its `start` and `end`, by default the time of this machine, which today() stays
        in any case. Raises `Refused` at the first answer a phone would not take, `BrokenForm`
        when the form itself fails.
        """
        answer = self._exchange(
            {
                "xform": xform.decode(),
                "media": {name: content.decode() for name, content in (media or {}).items()},
                "answers": dict(answers),
                "choicesOf": list(choices_of),
                "language": language,
                "at": None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )
        if "broken" in answer:
            raise BrokenForm(answer["broken"])
        choices = {
            path: [(value, label) for value, label in offered]
            for path, offered in answer["choices"].items()
        }
        if "refused" in answer:
            raise Refused(answer["refused"], answer["shown"], choices)
        xml = answer["xml"].encode()
        return Filled(xml, entity_blocks(xform, xml), answer["shown"], choices)

    def _exchange(self, request: Mapping[str, object]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise RuntimeError(f"JavaRosa stopped: {self._log.read().decode(errors='replace')}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _classpath_and_main(folder: Path) -> list[str]:
    """Compiled when there is a javac; else Java's single-file launcher compiles it in memory."""
    javac = shutil.which("javac")
    if javac is None:
        return [ODK_VALIDATE_PATH, str(SOURCE)]
    options = ["-encoding", "UTF-8", "-cp", ODK_VALIDATE_PATH, "-d", str(folder)]
    subprocess.run([javac, *options, str(SOURCE)], check=True, capture_output=True)
    return [f"{ODK_VALIDATE_PATH}:{folder}", "Filler"]
