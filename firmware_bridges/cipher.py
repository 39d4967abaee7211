"""Keys of encrypted adverts, and AES. `cryptography` is imported only when a key is configured (8.6 MB)."""

from importlib import import_module
from typing import Any

from edge_agent.core.errors import ConfigError


def key_bytes(device: str, text: str, sizes: tuple[int, ...], where: str) -> bytes:
    """A key from hexadecimal digits. Raises ConfigError that says what is wrong; `where` says where it is found."""
    wanted = " or ".join(str(2 * size) for size in sizes)
    wrong = next((character for character in text if character not in "0123456789abcdefABCDEF"), None)
    if wrong is not None:
        said = f"has {wrong!r} in it"
    elif len(text) // 2 not in sizes or len(text) % 2:
        said = f"has {len(text)} digits"
    else:
        return bytes.fromhex(text)
    raise ConfigError(f"the key of {device} {said}; it must be {wanted} hexadecimal digits", fix=where)


def _cryptography(device: str, module: str) -> Any:
    try:
        return import_module(f"cryptography.{module}")
    except ImportError as error:
        raise ConfigError(
            f"{device} has a key, and nothing is installed that opens its adverts",
            fix="Install it beside the agent: pip install cryptography",
        ) from error


class Ccm:
    """AES-CCM with a tag of four bytes, as BTHome and Xiaomi use it. Raises ConfigError without `cryptography`."""

    def __init__(self, device: str, key: bytes) -> None:
        aead = _cryptography(device, "hazmat.primitives.ciphers.aead")
        self._invalid: type[Exception] = _cryptography(device, "exceptions").InvalidTag
        self._cipher: Any = aead.AESCCM(key, tag_length=4)

    def open(self, nonce: bytes, sealed: bytes, associated: bytes | None) -> bytes | None:
        """The plain bytes of ciphertext and tag, or None if key, nonce and bytes do not belong together."""
        try:
            plain: bytes = self._cipher.decrypt(nonce, sealed, associated)
        except (self._invalid, ValueError):
            return None
        return plain


class Blocks:
    """Single blocks of AES, for counter modes that carry no tag. Raises ConfigError without `cryptography`."""

    def __init__(self, device: str, key: bytes) -> None:
        ciphers = _cryptography(device, "hazmat.primitives.ciphers")
        self._cipher: Any = ciphers.Cipher(ciphers.algorithms.AES(key), ciphers.modes.ECB())  # one block at a time

    def encrypt(self, blocks: bytes) -> bytes:
        """Each block of sixteen bytes on its own."""
        encryptor = self._cipher.encryptor()
        result: bytes = encryptor.update(blocks) + encryptor.finalize()
        return result

    def decrypt(self, blocks: bytes) -> bytes:
        """The reverse."""
        decryptor = self._cipher.decryptor()
        result: bytes = decryptor.update(blocks) + decryptor.finalize()
        return result


def exclusive_or(first: bytes, second: bytes) -> bytes:
    """Byte by byte, as far as both go."""
    return bytes(a ^ b for a, b in zip(first, second, strict=False))
