"""Help over HTTPS: the event in HTTP's binary mode of CloudEvents 1.0, and the desk's signed word in the answer."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote

from edge_agent.core.errors import LinkBusyError, LinkError, LinkRefusedError
from edge_agent.core.event import Event
from edge_agent.core.health import Health
from edge_agent.core.wire import CONTENT_TYPE, MAX_DOWN_BYTES
from edge_agent.texts import Said
from edge_agent.texts.starting import STARTING
from edge_agent.uplink.channels.http import HttpReply, Url, post
from edge_agent.uplink.connection import TlsFiles, password_of, tls_context

# Long enough for a handshake and a few retransmissions on a poor mobile network.
TIMEOUT_S = 20.0
# Somebody waits for help: what a server asks for is honoured up to here.
MOST_RETRY_AFTER_S = 300.0
# Too Many Requests and Service Unavailable say when to come again (RFC 9110, 10.2.3; RFC 6585, 4).
_BUSY = (429, 503)
# Where a server answers without saying when.
_USUAL_RETRY_AFTER_S = 30.0
# HTTP binding of CloudEvents 1.0, 3.1.3.2: printable ASCII stands for itself but for these.
_AS_IT_IS = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')


class HttpsSettings(NamedTuple):
    """`token_file` holds a bearer token in its first line; empty: none. Certificates are always checked."""

    name: str
    url: str
    token_file: str = ""
    tls: TlsFiles = TlsFiles()
    timeout_s: float = TIMEOUT_S
    resend_s: float = 10.0


class HttpsChannel:
    """`attributes(event)` are the event's attributes as it leaves now. A redirection is never followed."""

    def __init__(self, settings: HttpsSettings, attributes: Callable[[Event], Mapping[str, str]]) -> None:
        self.name = settings.name
        self.must_ask = True
        self.resend_s = settings.resend_s
        self.health: Health = STARTING
        self._settings = settings
        self._url = Url.of(settings.url)
        self._attributes = attributes

    async def run(self) -> None:
        """Nothing is open between two tries: what could be wrong with the files is found out beforehand."""
        try:
            await asyncio.to_thread(self._look_at_files)
            self.health = Health(True, Said("other.ready", host=self._url.host))
        except LinkError as error:
            self.health = Health(False, error.args[0], error.fix)
        await asyncio.Event().wait()

    async def send(self, event: Event, compact: bytes) -> bytes | None:  # noqa: ARG002 - a link that carries it all
        """Post it. Gives the signed word of the answer; None for 202 and whatever else has no body."""
        try:
            reply = await self._post(event)
            body = _word_of(reply, self._url)
        except LinkError as error:
            self.health = Health(False, error.args[0], error.fix)
            raise
        self.health = Health(True, Said("other.took", host=self._url.host))
        return body

    async def _post(self, event: Event) -> HttpReply:
        context, token = await asyncio.to_thread(self._prepare)
        headers = {
            **{f"ce-{name}": quote(value, safe=_AS_IT_IS) for name, value in self._attributes(event).items()},
            "Content-Type": CONTENT_TYPE,
            "Accept": CONTENT_TYPE,
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        host = self._url.host
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                return await post(self._url, headers, event.payload, context, MAX_DOWN_BYTES)
        except TimeoutError:
            said = Said("other.no_reply", host=host, seconds=round(self._settings.timeout_s))
            raise LinkError(said, fix=Said("other.network_fix")) from None
        except OSError as error:
            raise in_words(error, host) from error

    def _look_at_files(self) -> None:
        """Raises LinkError for one that is of no use. The system's own certificates are 2.5 MB in memory: not these."""
        password_of(self._settings.token_file)
        if self._settings.tls != TlsFiles():
            tls_context(self._settings.tls)

    def _prepare(self) -> tuple[ssl.SSLContext, str | None]:
        """Made anew for each try: files may have been mended since, and the certificates need not stay in memory."""
        return tls_context(self._settings.tls), password_of(self._settings.token_file)


def _word_of(reply: HttpReply, url: Url) -> bytes | None:
    """What a reply brings. Raises LinkError for all but 2xx."""
    if 200 <= reply.status < 300:
        return reply.body or None
    host, status = url.host, reply.status
    if status in _BUSY:
        after_s = _retry_after_s(reply.headers.get("retry-after", ""))
        said = Said("other.status_busy", host=host, status=status, seconds=round(after_s))
        raise LinkBusyError(said, after_s=after_s)
    if 300 <= status < 400:
        said = Said("other.status_moved", host=host, status=status)
        raise LinkRefusedError(said, reason="moved", fix=Said("other.status_moved_fix"))
    if status in (401, 403):
        said = Said("other.status_denied", host=host, status=status)
        raise LinkRefusedError(said, reason="authorisation", fix=Said("other.status_denied_fix"))
    said = Said("other.status", host=host, status=status)
    raise LinkRefusedError(said, reason=str(status), fix=Said("other.status_fix"))


def _retry_after_s(text: str) -> float:
    """Seconds, or a date (RFC 9110, 10.2.3); bounded."""
    if text.isdecimal() and len(text) < 10:
        asked_s = float(text)
    else:
        from email.utils import parsedate_to_datetime  # noqa: PLC0415 - 1 MB, and few servers send a date

        try:
            asked_s = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            asked_s = _USUAL_RETRY_AFTER_S
    return min(max(asked_s, 0.0), MOST_RETRY_AFTER_S)


def in_words(error: Exception, host: str) -> LinkError:
    """Why there is no way to this host. `error` is an OSError, or a UnicodeError of the name."""
    match error:
        case ssl.SSLCertVerificationError():
            said = Said("other.untrusted", host=host, why=error.verify_message)
            return LinkError(said, fix=Said("other.untrusted_fix"))
        case ssl.SSLError():
            return LinkError(Said("other.no_tls", host=host, why=error.reason or str(error)))
        case socket.gaierror() | UnicodeError():
            return LinkError(Said("other.no_name", host=host), fix=Said("other.no_name_fix"))
        case ConnectionRefusedError():
            return LinkError(Said("other.nobody", host=host), fix=Said("other.nobody_fix"))
    why = getattr(error, "strerror", None) or str(error)
    return LinkError(Said("other.no_way", host=host, why=why.lower() if why else Said("other.broke")))
