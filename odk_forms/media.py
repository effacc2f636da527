"""The files a form expects beside it: media, and the tables it looks things up in.

Source: openrosa.md section 5 (what Central derives them from). `jr://instance/last-saved`
is kept by the phone itself and is no file.
"""

from __future__ import annotations

import re
from typing import Any

from odk_forms.definition import MediaRef
from odk_forms.xml import attribute, content, local

_JR = re.compile(r"jr://(file-csv|file|images|audio|video)/(\S.*)")
_SEARCH = re.compile(r"""\bsearch\(\s*(['"])(.+?)\1""")
_TYPES = {"file": "file", "file-csv": "file", "images": "image", "audio": "audio", "video": "video"}


def media_refs(model: Any, body: Any, primary: Any) -> tuple[MediaRef, ...]:
    """Every file the form names, once, in the order in which it is first named."""
    found: dict[str, MediaRef] = {}

    def add(name: str, kind: str) -> None:
        # Phones keep only the last part of a file's name.
        base = name.strip().rpartition("/")[2]
        if base:
            found.setdefault(base, MediaRef(base, kind))

    def add_jr(text: str | None) -> None:
        match = _JR.fullmatch((text or "").strip())
        if match:
            add(match[2], _TYPES[match[1]])

    for node in model.iter():
        kind = local(node.tag)
        if kind == "instance":
            add_jr(attribute(node, "src"))
        elif kind == "value" and attribute(node, "form"):
            add_jr(content(node))
    for node in primary.iter():
        add_jr(node.text)
    for node in body.iter():
        if local(node.tag) == "input" and node.get("query"):
            add("itemsets.csv", "file")
        match = _SEARCH.search(node.get("appearance") or "")
        if match:
            add(match[2] if match[2].endswith(".csv") else f"{match[2]}.csv", "file")
    return tuple(found.values())
