"""Digest access: who can prove a password without sending it (RFC 7616: MD5, `qop=auth`). ADR 0022.

A nonce is signed and says when it was made, so that any worker knows those of the others.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

REALM = "Simpul"
NONCE_LASTS = timedelta(hours=1)  # a stale one makes a phone send a whole body again
_MOST_REMEMBERED = 20_000
_ASKED = ("username", "realm", "nonce", "uri", "nc", "cnonce", "qop", "response")
_COUNT = re.compile(r"[0-9a-fA-F]{8}")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a client says in an `Authorization: Digest` header; `count` is its nc."""

    username: str
    realm: str
    nonce: str
    uri: str
    nc: str
    cnonce: str
    qop: str
    response: str

    @property
    def count(self) -> int:
        return int(self.nc, 16)

    @property
    def name(self) -> str:
        """The username as text: its bytes are UTF-8, or else Latin-1."""
        try:
            return self.username.encode("latin-1").decode()
        except UnicodeError:
            return self.username


def claim_of(said: Mapping[str, str | None]) -> Claim | None:
    """The claim of a header's parameters; None when it is not one that we asked for."""
    named = {name: said.get(name) or "" for name in _ASKED}
    algorithm = said.get("algorithm") or "MD5"
    right = (named["realm"], named["qop"].lower(), algorithm.upper()) == (REALM, "auth", "MD5")
    if not (right and _COUNT.fullmatch(named["nc"]) and named["cnonce"]):
        return None
    return Claim(**named)


def challenge(nonce: str, *, stale: bool = False) -> str:
    """The value of a `WWW-Authenticate` header."""
    told = f'Digest realm="{REALM}", nonce="{nonce}", qop="auth", algorithm=MD5'
    return f"{told}, stale=true" if stale else told


def is_proof(claim: Claim, password: str, *, method: str, targets: Iterable[str]) -> bool:
    """Whether who claims knows the password, for this very request.

    `targets` are its path?query, as they came and as they were before a proxy shortened them.
    """
    meant = _decoded(claim.uri)
    about = any(hmac.compare_digest(meant, _decoded(target)) for target in targets)
    right = False
    for name in (claim.username.encode("latin-1", "replace"), claim.username.encode()):
        known = _md5(b":".join((name, REALM.encode(), password.encode())))
        asked = _md5(f"{method}:{claim.uri}".encode("latin-1", "replace"))
        words = (known, claim.nonce, claim.nc, claim.cnonce, claim.qop, asked)
        expected = _md5(":".join(words).encode("latin-1", "replace"))
        right |= hmac.compare_digest(expected.encode(), claim.response.lower().encode())
    return about and right


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _decoded(uri: str) -> bytes:
    """Path and query as they are meant: proxies escape otherwise, and fold slashes."""
    try:
        parts = urlsplit(re.sub("^/+", "/", uri))
    except ValueError:  # no address at all: it is that of no request
        return b""
    path = re.sub("//+", "/", unquote(parts.path))
    return f"{path}?{unquote(parts.query)}".encode(errors="replace")


def new_nonce(now: datetime, secret_key: str) -> str:
    """A nonce for an hour from now."""
    body = f"{int(now.timestamp()):x}-{secrets.token_hex(8)}"
    return f"{body}-{_signature(body, secret_key)}"


def is_ours(nonce: str, secret_key: str) -> bool:
    """Whether a server with this key made the nonce, however long ago."""
    body, _, signature = nonce.rpartition("-")
    return hmac.compare_digest(signature.encode(), _signature(body, secret_key).encode())


def is_old(nonce: str, now: datetime) -> bool:
    """Whether one of our nonces is over."""
    made = datetime.fromtimestamp(int(nonce.partition("-")[0], 16), UTC)
    return now - made > NONCE_LASTS


def _signature(body: str, secret_key: str) -> str:
    key = hashlib.sha256(f"simpul: nonces\n{secret_key}".encode()).digest()
    return hmac.new(key, body.encode(errors="replace"), hashlib.sha256).hexdigest()[:32]


class Counts:
    """The counts that came with nonces: each is good once, in whatever order they come."""

    def __init__(self, most: int = _MOST_REMEMBERED) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, int], None] = OrderedDict()

    def take(self, claim: Claim) -> bool:
        """Whether this count of this nonce comes for the first time here."""
        key = (claim.nonce, claim.count)
        with self._lock:
            if key in self._seen:
                return False
            self._seen[key] = None
            while len(self._seen) > self._most:
                self._seen.popitem(last=False)
        return True
