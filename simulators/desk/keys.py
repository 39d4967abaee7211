"""The desk's Ed25519 pair: what it signs with, and what the agents are told to trust."""

import os
from pathlib import Path
from typing import Any, Self

from nacl.signing import SigningKey

from edge_agent.core.errors import StoreError
from edge_agent.core.wire import Envelope, pack, seal

_SEED_BYTES = 32


class DeskKey:
    """One signing key. `kid` is its id in the agents' config, `public` the 64 hex digits that stand there."""

    def __init__(self, signing: SigningKey, kid: str = "") -> None:
        self._signing = signing
        self.public = bytes(signing.verify_key).hex()
        self.kid = kid or f"desk-{self.public[:8]}"

    @classmethod
    def make(cls, kid: str = "") -> Self:
        """A new pair."""
        return cls(SigningKey.generate(), kid)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """The pair of a file (the seed as 64 hex digits), made there when there is none; only its owner may read it.

        Raises StoreError when the file cannot be read or written, or holds something else.
        """
        try:
            if not path.exists():
                with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.write(bytes(SigningKey.generate()).hex() + "\n")
            seed = bytes.fromhex(path.read_text().strip())
        except OSError as error:
            why = str(error.strerror).lower()
            raise StoreError(f"the key file {path} cannot be used: {why}", fix="Name another file") from error
        except ValueError as error:
            fix = "Name another file, or remove it to make a new key"
            raise StoreError(f"no key in {path}: it must hold 64 hexadecimal digits", fix=fix) from error
        if len(seed) != _SEED_BYTES:
            raise StoreError(f"no key in {path}: {len(seed)} bytes", fix="Remove it to make a new key")
        return cls(SigningKey(seed))

    def sign(self, body: dict[str, Any]) -> bytes:
        """The payload of a down message with this body."""
        packed = pack(body)
        return seal(Envelope(self.kid, packed, self._signing.sign(packed).signature))

    def forge(self, body: dict[str, Any]) -> bytes:
        """The same with a signature by somebody else under this key's name: an agent must not believe it."""
        packed = pack(body)
        return seal(Envelope(self.kid, packed, SigningKey.generate().sign(packed).signature))

    def sign_bytes(self, body: bytes) -> bytes:
        """These bytes and their signature: the payload of a compact word."""
        return body + self._signing.sign(body).signature

    @property
    def toml(self) -> str:
        """The lines to paste into an agent's config."""
        return f'[desk.keys]\n"{self.kid}" = "{self.public}"'
