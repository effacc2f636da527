"""The names of the files of a submission, as phones write them and as its XML refers to them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

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


class Named:
    r"""The names by which XML refers to files, of which there may be very many.

    >>> Named({"ni\u00f1o.jpg"}).of("nin\u0303o.jpg"), Named({r"C:\b\a.jpg"}).of("a.jpg")
    ('niño.jpg', 'C:\\b\\a.jpg')
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._by_folded: dict[str, str] = {}
        for one in sorted(self._names, reverse=True):
            self._by_folded[_folded(one)] = one

    def of(self, name: str) -> str | None:
        """The name that is meant by a file that came as `name`; None where it is none.

        Exact first; then as composed letters, without blanks around it, without the folders of
        a Windows path, and with what only looks like an escape of its client.
        """
        return name if name in self._names else self._by_folded.get(_folded(name))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unescaped(name).rpartition("\\")[2]).strip()
