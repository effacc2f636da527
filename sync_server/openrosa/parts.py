"""What a POST of a phone is made of: the form, its files, and whether there is more to come."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

from flask import request

from sync_server.errors import MissingXmlPart, UnreadableBody
from sync_server.web.multipart import NotMultipart, Part, read_parts

XML_PART = "xml_submission_file"
MORE_TO_COME = "*isIncomplete*"
MOST_FORMS = 20
"""Forms of one POST: phones send one, and all of them are one turn at the store."""


@dataclass(slots=True)
class Sent:
    """The parts of one POST, each name and every byte as it came."""

    forms: list[Part] = field(default_factory=list)
    files: list[Part] = field(default_factory=list)
    complete: bool = True


def read_sent(opened: ExitStack) -> Sent:
    """Read the POST of this request to its end; its files are there until `opened` is closed.

    Errors    `MissingXmlPart` for what is no form; `UnreadableBody` for parts that nothing can
              tell apart, or that are too many; `BadRequest` when the link broke.
    """
    sent = Sent()
    if request.mimetype == "multipart/form-data":
        boundary = request.mimetype_params.get("boundary", "")
        try:
            for part in read_parts(request.stream, boundary, opened):
                _sort(part, sent)
        except NotMultipart as exc:
            raise UnreadableBody("the parts of the body cannot be told apart") from exc
    if len(sent.forms) > MOST_FORMS:
        raise UnreadableBody("there are more forms in this body than are taken at once")
    if not sent.forms:
        raise MissingXmlPart("the submission has no part called xml_submission_file")
    return sent


def _sort(part: Part, sent: Sent) -> None:
    if part.name == XML_PART:
        sent.forms.append(part)
    elif part.name == MORE_TO_COME:
        sent.complete = False
    else:
        name = (part.name or part.file_name).replace("\x00", "\ufffd")  # no database takes NUL
        sent.files.append(part._replace(name=name))
