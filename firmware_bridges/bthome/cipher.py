"""Opening encrypted BTHome v2 adverts: AES-CCM with a shared key. Only imported when a key is configured (8.6 MB)."""

from importlib import import_module
from typing import Any

from edge_agent.core.errors import ConfigError

_TAG_BYTES = 4
_COUNTER_BYTES = 4
OVERHEAD = _COUNTER_BYTES + _TAG_BYTES
_UUID = b"\xd2\xfc"


class Opener:
    """Opens payloads of one device. Raises ConfigError when the key is none or `cryptography` is not installed."""

    def __init__(self, device: str, key: str) -> None:
        try:
            raw = bytes.fromhex(key)
        except ValueError:
            raw = b""
        if len(raw) != 16:
            raise ConfigError(f"the key of {device} is not 32 hexadecimal digits", fix="Copy it from the device's app")
        try:
            aead = import_module("cryptography.hazmat.primitives.ciphers.aead")
            self._invalid: type[Exception] = import_module("cryptography.exceptions").InvalidTag
        except ImportError as error:
            raise ConfigError(
                f"{device} has a key, and nothing is installed that opens its adverts",
                fix="Install it beside the agent: pip install cryptography",
            ) from error
        self._cipher: Any = aead.AESCCM(raw, tag_length=_TAG_BYTES)

    def open(self, address: bytes, info: int, sealed: bytes) -> tuple[int, bytes] | None:
        """The counter and the plain objects, or None if key and bytes do not belong together.

        `address` is the device's six bytes as printed, `info` the first byte of the service data, `sealed` what comes
        behind it (and behind an address in the payload): ciphertext, counter, tag.
        """
        counter, tag = sealed[-OVERHEAD:-_TAG_BYTES], sealed[-_TAG_BYTES:]
        nonce = address + _UUID + bytes([info]) + counter
        try:
            plain: bytes = self._cipher.decrypt(nonce, sealed[:-OVERHEAD] + tag, None)
        except self._invalid:
            return None
        return int.from_bytes(counter, "little"), plain
