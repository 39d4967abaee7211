"""Why there is no connection, in plain words: MQTT 5 reason codes and socket errors become one kind of error."""

import socket
import ssl
from typing import NamedTuple

from edge_agent.core.errors import LinkError

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
        return str(self.args[0])


class _Known(NamedTuple):
    word: str
    sentence: str
    fix: str


_PASSWORD = _Known(
    "password",
    "the broker refused the user name or password",
    "Check username and password_file under [broker] against the broker's own list.",
)
_BUSY = _Known("busy", "the broker says that it is busy or not available", "Nothing to do here; it is tried again.")
_PROTOCOL = _Known(
    "protocol",
    "the broker and this gateway do not understand each other",
    "The broker must speak MQTT 5 on this port (mosquitto 2, EMQX, HiveMQ do).",
)
_QUOTA = _Known("quota", "the broker says that a quota is used up", "Raise this gateway's quota at the broker.")
_RATE = _Known("rate", "the broker says that too much came at once", "Raise the broker's limits for this gateway.")

# MQTT 5.0, tables 3-1 (CONNACK) and 3-10 (DISCONNECT): what a code means for the person who can mend it.
_OF_CODE: dict[int, _Known] = {
    0x01: _PROTOCOL,  # a broker that speaks only MQTT 3.1.1 answers so
    0x81: _PROTOCOL,
    0x82: _PROTOCOL,
    0x84: _PROTOCOL,
    0x85: _Known("client_id", "the broker refused the client id", "Give [gateway] id a name that the broker allows."),
    0x86: _PASSWORD,
    0x87: _Known(
        "authorisation",
        "the broker does not allow this gateway",
        "Check username and password_file under [broker], and the broker's access list.",
    ),
    0x88: _BUSY,
    0x89: _BUSY,
    0x8A: _Known("banned", "the broker has banned this gateway", "Ask whoever runs the broker to lift the ban."),
    0x8B: _Known("shutdown", "the broker is shutting down", "Nothing to do here; it is tried again."),
    0x8D: _Known("silent", "nothing was heard from the broker any more", "Check the network between here and there."),
    0x8E: _Known(
        "taken_over",
        "another client came with the same client id and took the connection over",
        "Give each gateway its own [gateway] id, and run only one agent with it.",
    ),
    0x93: _RATE,
    0x95: _Known("too_large", "the broker says that a message was too large", "Raise the broker's packet size limit."),
    0x96: _RATE,
    0x97: _QUOTA,
    0x98: _Known("administrative", "somebody closed the connection at the broker", "Ask whoever runs the broker."),
    0x9A: _Known("retain", "the broker keeps no retained messages", "Allow retained messages at the broker."),
    0x9C: _Known("moved", "the broker says to use another server", "Set host under [broker] to that server."),
    0x9D: _Known("moved", "the broker has moved", "Set host under [broker] to its new name."),
    0x9F: _RATE,
}

_OTHER_NAME = _Known(
    "tls_name", "the broker's certificate is for another name", "Set host under [broker] to that name."
)
# X509_V_ERR_… of OpenSSL: the ones that a person can do something about.
_OF_CERTIFICATE: dict[int, _Known] = {
    9: _Known(
        "tls_not_yet_valid",
        "the broker's certificate is not valid yet: most likely this gateway's clock is behind",
        "Let the clock be set (timedatectl shows it); it is tried again.",
    ),
    10: _Known("tls_expired", "the broker's certificate has expired", "Renew it at the broker, or check this clock."),
    62: _OTHER_NAME,  # of a name
    64: _OTHER_NAME,  # of an address
}
_UNTRUSTED = _Known(
    "tls_untrusted",
    "the broker's certificate is not of an authority that this gateway knows",
    "Set ca_file under [broker.tls] to the certificate of the broker's authority.",
)


def _error(known: _Known, detail: str = "") -> LinkLostError:
    sentence = f"{known.sentence} ({detail})" if detail else known.sentence
    return LinkLostError(sentence, word=known.word, fix=known.fix)


def of_code(code: int, name: str) -> LinkLostError:
    """The error of a reason code in a CONNACK or a DISCONNECT of the broker."""
    known = _OF_CODE.get(code, _Known("refused", "the broker ended it", "Ask whoever runs the broker."))
    return _error(known, f"{name}, 0x{code:02X}")


def ended() -> LinkLostError:
    """The connection ended without a word. mosquitto 2.0.11 says none when another client takes a session over."""
    fix = "Check network and broker. If it ends at once again and again, another client has the same client id."
    return LinkLostError("the connection to the broker was lost", word="lost", fix=fix)


def silent(what: str) -> LinkLostError:
    """Something that should have come did not."""
    return LinkLostError(what, word="silent", fix="Check the network between here and the broker.")


def hole() -> LinkLostError:
    """Nothing of what was sent reached the other side's kernel: an outage of the network, and not the broker's."""
    what = "the network to the broker went silent"
    return LinkLostError(what, word="hole", fix="Check the network between here and the broker.")


def no_word(timeout_s: float) -> LinkLostError:
    """Somebody took the connection and said nothing."""
    what = f"the broker did not answer for {timeout_s:.0f} s"
    return LinkLostError(what, word="no_word", fix="Check the network between here and the broker.")


def no_answer() -> LinkLostError:
    """The connection was opened and closed again before the broker said anything."""
    return LinkLostError(
        "the broker closed the connection before it answered",
        word="no_answer",
        fix="Check port and [broker.tls] enabled: one side may speak TLS and the other not.",
    )


def garbled(error: BaseException) -> LinkLostError:
    """The broker sent what is not MQTT 5."""
    return _error(_PROTOCOL, f"{type(error).__name__}: {error}"[:120])


def unreadable_file(path: str, error: Exception) -> LinkLostError:
    """A file that the connection needs cannot be used. Its content never stands in the message."""
    what = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    return LinkLostError(
        f"the file {path} cannot be used ({what})",
        word="file",
        fix="Check that it exists, is what the config says it is, and that the agent may read it.",
    )


def of_socket(error: Exception, host: str, port: int) -> LinkLostError:
    """The error of a connect or a TLS handshake that failed. `error` is an OSError or a UnicodeError of the name."""
    where = f"{host}:{port}"
    match error:
        case ssl.SSLCertVerificationError():
            known = _OF_CERTIFICATE.get(error.verify_code, _UNTRUSTED)
            return _error(known, error.verify_message[:120])
        case ssl.SSLError():
            what = f"TLS with {where} failed ({error.strerror or error})"
            fix = "Check port and [broker.tls]: does the broker speak TLS there, does it want a client certificate?"
            return LinkLostError(what, word="tls", fix=fix)
        case socket.gaierror() | UnicodeError():
            fix = "Check host under [broker], and that this gateway has a name server."
            return LinkLostError(f"the name {host[:100]} cannot be found", word="unknown_host", fix=fix)
        case ConnectionRefusedError():
            fix = "Check host and port under [broker], and that the broker runs."
            return LinkLostError(f"nothing listens at {where}", word="connection_refused", fix=fix)
        case TimeoutError():
            fix = "Check the network, and any firewall on the way."
            return LinkLostError(f"{where} does not answer", word="timeout", fix=fix)
    return LinkLostError(f"{where} cannot be reached ({error})", word="unreachable", fix="Check the network.")
