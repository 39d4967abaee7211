"""Why there is no connection, in plain words: MQTT 5 reason codes and socket errors become one kind of error."""

import socket
import ssl

from edge_agent.core.errors import LinkError
from edge_agent.texts import Said

# Names of reason codes in a PUBACK that are acted on (MQTT 5.0, table 3-4), as paho writes them.
TOO_LARGE = "Packet too large"
QUOTA_EXCEEDED = "Quota exceeded"


# Where the network does not carry, or nobody listens, trying again costs the broker nothing: no session, no handshake.
# One that takes connections and does not answer may be short of breath; it has had a connect's whole timeout, though.
_WITHIN_S = {
    "connection_refused": 1.5,
    "hole": 0.3,
    "timeout": 0.5,
    "unreachable": 1.5,
    "unknown_host": 1.5,
    "no_word": 2.0,
}
# What a broker that did answer asks for by its reason code: time, or a person.
_REST_S = {
    "busy": 5.0,
    "rate": 10.0,
    "taken_over": 30.0,
    "quota": 60.0,
    "password": 60.0,
    "authorisation": 60.0,
    "client_id": 60.0,
    "banned": 300.0,
}


class LinkLostError(LinkError):
    """There is no connection, or it ended. `word` is one word for counting, `fix` what a person can do."""

    def __init__(self, what: str, *, word: str, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.word = word

    @property
    def within_s(self) -> float | None:
        """It may be tried again within this time, for nobody hears it in vain; None: back off."""
        return _WITHIN_S.get(self.word)

    @property
    def rest_s(self) -> float:
        """It should not be tried again before, unless somebody waits for help."""
        return _REST_S.get(self.word, 0.0)

    @property
    def sentence(self) -> str:
        """What happened, without the fix."""
        said: str = self.args[0]
        return said


# MQTT 5.0, tables 3-1 (CONNACK) and 3-10 (DISCONNECT), by the word under which the texts say what a person can do.
_OF_CODE: dict[int, str] = {
    0x01: "protocol",  # a broker that speaks only MQTT 3.1.1 answers so
    0x81: "protocol",
    0x82: "protocol",
    0x84: "protocol",
    0x85: "client_id",
    0x86: "password",
    0x87: "authorisation",
    0x88: "busy",
    0x89: "busy",
    0x8A: "banned",
    0x8B: "shutdown",
    0x8D: "silent",
    0x8E: "taken_over",
    0x93: "rate",
    0x95: "too_large",
    0x96: "rate",
    0x97: "quota",
    0x98: "administrative",
    0x9A: "retain",
    0x9C: "moved",
    0x9D: "moved",
    0x9F: "rate",
}
# X509_V_ERR_… of OpenSSL: the ones that a person can do something about.
_OF_CERTIFICATE: dict[int, str] = {
    9: "tls_not_yet_valid",
    10: "tls_expired",
    62: "tls_name",  # of a name
    64: "tls_name",  # of an address
}
BROKER = "[broker]"


def _error(word: str, detail: str = "", **fields: object) -> LinkLostError:
    """The error that this word names in the texts; `detail` is for an engineer."""
    what, fix = Said(f"reason.{word}", **fields), Said(f"reason.{word}_fix", **fields)
    return LinkLostError(Said("reason.detail", what=what, detail=detail) if detail else what, word=word, fix=fix)


def of_code(code: int, name: str) -> LinkLostError:
    """The error of a reason code in a CONNACK or a DISCONNECT of the broker."""
    return _error(_OF_CODE.get(code, "refused"), f"{name}, 0x{code:02X}")


def ended() -> LinkLostError:
    """The connection ended without a word. mosquitto 2.0.11 says none when another client takes a session over."""
    return _error("lost")


def silent() -> LinkLostError:
    """Nothing came any more."""
    return _error("silent")


def unacknowledged(timeout_s: float) -> LinkLostError:
    """What was sent was not acknowledged in time: it counts as silence."""
    what = Said("reason.unacknowledged", seconds=round(timeout_s))
    return LinkLostError(what, word="silent", fix=Said("reason.silent_fix"))


def hole() -> LinkLostError:
    """Nothing of what was sent reached the other side's kernel: an outage of the network, and not the broker's."""
    return _error("hole")


def no_word(timeout_s: float) -> LinkLostError:
    """Somebody took the connection and said nothing."""
    return _error("no_word", seconds=round(timeout_s))


def no_answer() -> LinkLostError:
    """The connection was opened and closed again before the broker said anything."""
    return _error("no_answer")


def garbled(error: BaseException) -> LinkLostError:
    """The broker sent what is not MQTT 5."""
    return _error("protocol", f"{type(error).__name__}: {error}"[:120])


def unreadable_file(path: str, error: Exception) -> LinkLostError:
    """A file that the connection needs cannot be used. Its content never stands in the message."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    return _error("file", path=path, why=why)


def of_socket(error: Exception, host: str, port: int, table: str = BROKER) -> LinkLostError:
    """The error of a connect or a TLS handshake that failed. `error` is an OSError or a UnicodeError of the name.

    `table` is the place in the configuration that says where to connect to.
    """
    where = f"{host}:{port}"
    match error:
        case ssl.SSLCertVerificationError():
            word = _OF_CERTIFICATE.get(error.verify_code, "tls_untrusted")
            return _error(word, error.verify_message[:120], table=table)
        case ssl.SSLError():
            return _error("tls", str(error.strerror or error), where=where, table=table)
        case socket.gaierror() | UnicodeError():
            return _error("unknown_host", host=host[:100], table=table)
        case ConnectionRefusedError():
            return _error("connection_refused", where=where, table=table)
        case TimeoutError():
            return _error("timeout", where=where)
    return _error("unreachable", str(error), where=where)
