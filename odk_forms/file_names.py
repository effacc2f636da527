"""The names of the files of a submission, as phones write them and as its XML refers to them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

_QUOTED = re.compile(r'(?:^|[;\s])name="([^"]*)"\s*(?:;|$)', re.IGNORECASE)
_ESCAPES = {"%22": '"', "%0d": "\r", "%0a": "\n"}
_ESCAPE = re.compile("%22|%0[da]", re.IGNORECASE)


def sent_name(disposition: str) -> str | None:
    r"""The `name` of a part's Content-Disposition; None where it is not in quotes.

    HTTP clients escape a quote and the ends of lines, and nothing else: a backslash is one,
    where a reader of header fields takes it for an escape.

    >>> sent_name(r'form-data; name="back\slash %22a%22.jpg"; filename="x"')
    'back\\slash "a".jpg'
    """
    found = _QUOTED.search(disposition)
    if found is None:
        return None
    return _ESCAPE.sub(lambda one: _ESCAPES[one[0].lower()], found[1])


def referred_to(name: str, named: Collection[str]) -> str | None:
    r"""The name by which XML refers to a file that came as `name`; None where it does not.

    Exact first; then as composed letters, and without the folders of a Windows path.

    >>> referred_to("nin\u0303o.jpg", {"ni\u00f1o.jpg"}), referred_to("a.jpg", {r"C:\b\a.jpg"})
    ('niño.jpg', 'C:\\b\\a.jpg')
    """
    if name in named:
        return name
    folded = _folded(name)
    return next((one for one in sorted(named) if _folded(one) == folded), None)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.rpartition("\\")[2])
