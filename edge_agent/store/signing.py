"""The gateway's own signing key: made once, never leaves the state folder. It signs reports, and nothing else."""

from pathlib import Path

from nacl.bindings.crypto_sign import crypto_sign, crypto_sign_BYTES, crypto_sign_seed_keypair, crypto_sign_SEEDBYTES
from nacl.bindings.randombytes import randombytes
from nacl.bindings.sodium_core import sodium_init

from edge_agent.store import files

NAME = "report-key"


class Signer:
    """Signs with the key in the state folder, which is made with the first signature.

    `busy` is for who makes what is signed: one at a time, for it costs a small computer seconds.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self.busy = False

    def sign(self, body: bytes) -> tuple[bytes, bytes]:
        """Signature (64 bytes) and public key (32 bytes). Raises StoreError where a key cannot be kept.

        A file that holds no key is put aside: the gateway has a new one then, and its fingerprint says so.
        """
        sodium_init()
        public, secret = crypto_sign_seed_keypair(self._seed())
        return crypto_sign(body, secret)[:crypto_sign_BYTES], public

    def _seed(self) -> bytes:
        try:
            seed = bytes.fromhex(self._path.read_text("ascii"))
            if len(seed) == crypto_sign_SEEDBYTES:
                return seed
            files.put_aside(self._path)
        except FileNotFoundError:
            pass
        except (OSError, ValueError):
            files.put_aside(self._path)
        seed = randombytes(crypto_sign_SEEDBYTES)
        files.replace_file(self._path, seed.hex().encode())
        return seed
