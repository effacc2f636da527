"""Passwords and tokens: made, kept so that a stolen database opens nothing, and checked.

Passwords are argon2id. A token is random and long, so its SHA-256 is enough to find it
by; what must be shown again (a device's QR) is also sealed under the server's secret key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync_server.errors import BadValue, PasswordTooShort

MIN_PASSWORD = 10
MAX_PASSWORD = 1024  # hashing more would let a stranger keep a processor busy

_RIGHT_FOR = timedelta(minutes=10)
_MOST_RIGHT = 1000

_TOKEN_BYTES = 48  # 64 characters of A-Z a-z 0-9 - _
# OWASP's choice for argon2id: a login takes a small machine tens of milliseconds.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Checked when nobody has the address, so that the answer takes as long as a wrong password.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


def new_token() -> str:
    """64 URL-safe characters that nobody can guess."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def hash_of_token(token: str) -> str:
    """What a token is found by."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def password_of_token(token: str) -> str:
    """What a device account proves itself with where its address has no token: 80 bits of it.

    Made of the token, so that it is kept as the token is, and is the same at every hub.

    >>> password_of_token("x")
    'b7cr-bfjf-a2go-uxug'
    """
    digest = hashlib.sha256(f"simpul: password\n{token}".encode()).digest()
    letters = base64.b32encode(digest[:10]).decode("ascii").lower()
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def hash_password(password: str) -> str:
    """The password as it is kept. Errors: as `check_password`."""
    check_password(password)
    return _hasher.hash(password)


def check_password(password: str) -> None:
    """Refuse what is no password. Errors: `PasswordTooShort`, also when absurdly long."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise PasswordTooShort(f"a password has at least {MIN_PASSWORD} characters")


def fits(password: str, password_hash: str | None) -> bool:
    """Whether this is the password; as slow for a person who is not there as for one who is."""
    if len(password) > MAX_PASSWORD:
        return False
    try:
        _hasher.verify(password_hash or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


class RightPasswords:
    """Passwords that were right a moment ago, in one process, each as a keyed hash."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._until: OrderedDict[bytes, datetime] = OrderedDict()

    def knows(self, password: str, password_hash: str | None, now: datetime) -> bool:
        """Whether this was right for what is kept now: another password ends it at once."""
        with self._lock:
            until = self._until.get(self._of(password, password_hash))
        return password_hash is not None and until is not None and now < until

    def remember(self, password: str, password_hash: str | None, now: datetime) -> None:
        with self._lock:
            self._until[self._of(password, password_hash)] = now + _RIGHT_FOR
            while len(self._until) > _MOST_RIGHT:
                self._until.popitem(last=False)

    def _of(self, password: str, password_hash: str | None) -> bytes:
        text = f"{password_hash}\n{password}".encode(errors="surrogatepass")
        return hmac.digest(self._key, text, "sha256")


def seal(text: str, secret_key: str) -> str:
    """`text` so that only who has the secret key can read it."""
    return _fernet(secret_key).encrypt(text.encode()).decode("ascii")


def unseal(sealed: str, secret_key: str) -> str:
    """What was sealed. Errors: `BadValue` when the secret key is not the one it was sealed with."""
    try:
        return _fernet(secret_key).decrypt(sealed).decode()
    except InvalidToken as exc:
        raise BadValue("this was sealed under another secret key", field="secret_key") from exc


def _fernet(secret_key: str) -> Fernet:
    if not secret_key:
        raise BadValue("the server has no secret key; run `simpul init`", field="secret_key")
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"simpul: device tokens")
    return Fernet(base64.urlsafe_b64encode(derive.derive(secret_key.encode())))
