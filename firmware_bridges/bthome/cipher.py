"""Opening encrypted BTHome adverts: AES-CCM with a shared key. Only imported when a key is configured."""

from firmware_bridges.cipher import Ccm, key_bytes

_TAG_BYTES = 4
_COUNTER_BYTES = 4
OVERHEAD = _COUNTER_BYTES + _TAG_BYTES
WHERE = "Copy it from where the device was set up: the Shelly app, or the web page that flashed the thermometer"


class Opener:
    """Opens payloads of one device. Raises ConfigError when the key is none or `cryptography` is not installed."""

    def __init__(self, device: str, key: str) -> None:
        self._cipher = Ccm(device, key_bytes(device, key, (16,), WHERE))

    def open(self, head: bytes, sealed: bytes, associated: bytes | None = None) -> tuple[int, bytes] | None:
        """The counter and the plain objects, or None if key and bytes do not belong together.

        `head` is what the nonce begins with: the device's six bytes as printed, the service's UUID, and in version 2
        the first byte of the service data. `sealed` is ciphertext, counter, tag.
        """
        counter, tag = sealed[-OVERHEAD:-_TAG_BYTES], sealed[-_TAG_BYTES:]
        plain = self._cipher.open(head + counter, sealed[:-OVERHEAD] + tag, associated)
        return None if plain is None else (int.from_bytes(counter, "little"), plain)
