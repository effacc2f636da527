"""The names of the files of a submission, as phones write them and as its XML refers to them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

_QUOTED = re.compile(r'[;\s]name="([^"]*)"\s*(?:;|$)', re.IGNORECASE)
_ESCAPES = {"%22": '"', "%0d": "\r", "%0a": "\n"}
_ESCAPE = re.compile("%22|%0[da]", re.IGNORECASE)


def literal(disposition: str) -> str:
    r"""A part's Content-Disposition so that readers of header fields take backslashes as they are.

    To HTTP clients they are letters of a name, to such readers they escape what follows; where a
    client does escape a quote by one, it is left so.

    >>> print(literal(r'form-data; name="back\slash\"; filename="x"'))
    form-data; name="back\\slash\\"; filename="x"
    """
    return disposition.replace("\\", r"\\") if _QUOTED.search(disposition) else disposition


def unescaped(name: str) -> str:
    r"""The name of a part, in which clients escape a quote and the ends of lines, and nothing else.

    >>> unescaped("%22a%22%0D%0A%2F.jpg")
    '"a"\r\n%2F.jpg'
    """
    return _ESCAPE.sub(lambda one: _ESCAPES[one[0].lower()], name)


def referred_to(name: str, named: Collection[str]) -> str | None:
    r"""The name by which XML refers to a file that came as `name`; None where it does not.

    Exact first; then as composed letters, without blanks around it, without the folders of a
    Windows path, and with what only looks like an escape of its client.

    >>> referred_to("nin\u0303o.jpg", {"ni\u00f1o.jpg"}), referred_to("a.jpg", {r"C:\b\a.jpg"})
    ('niño.jpg', 'C:\\b\\a.jpg')
    """
    if name in named:
        return name
    folded = _folded(name)
    return next((one for one in sorted(named) if _folded(one) == folded), None)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unescaped(name).rpartition("\\")[2]).strip()
