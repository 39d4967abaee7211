"""Who signed: Ed25519 over the desk's configured public keys."""

from collections.abc import Mapping

import structlog
from nacl.bindings.crypto_sign import crypto_sign_BYTES, crypto_sign_open, crypto_sign_PUBLICKEYBYTES
from nacl.bindings.sodium_core import sodium_init
from nacl.exceptions import BadSignatureError

from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import Verifier

# The public key of RFC 8032, 7.1, test 1: what an unknown key id is checked against, for the time that takes.
_NOBODY = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")

log = structlog.get_logger("signature")


def load_keys(keys: Mapping[str, str], *, unsigned: bool = False) -> Verifier:
    """A verifier that knows the desk's public keys, 64 hex digits each, by id. Raises ConfigError.

    An unknown id takes as long as a wrong signature and says no more. `unsigned` believes anybody, and says so loudly.
    """
    if unsigned:
        log.warning(
            "messages from the desk are believed without a signature: anybody at the broker can act as the desk",
            fix="Set [desk] unsigned = false and put the desk's public keys under [desk.keys].",
        )
        return _believe_all
    sodium_init()  # once or more, and before anything of libsodium is used
    known = {kid: _public_key(kid, text) for kid, text in keys.items()}
    if not known:
        log.warning(
            "no key of a desk is known, so nothing that a desk says can be believed, and no lamp shows 'received'",
            fix="Put the desk's public keys under [desk.keys].",
        )

    def verify(kid: str, body: bytes, signature: bytes) -> bool:
        right = _signed(body, signature, known.get(kid, _NOBODY))
        return right and kid in known

    return verify


def _believe_all(kid: str, body: bytes, signature: bytes) -> bool:  # noqa: ARG001
    return True


def _signed(body: bytes, signature: bytes, key: bytes) -> bool:
    if len(signature) != crypto_sign_BYTES:
        return False
    try:
        crypto_sign_open(signature + body, key)
    except BadSignatureError:
        return False
    return True


def _public_key(kid: str, text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != crypto_sign_PUBLICKEYBYTES:
        raise ConfigError(
            f"the key {kid[:40]!r} under [desk.keys] is not an Ed25519 public key",
            fix="It must be 64 hexadecimal digits.",
        )
    return key
