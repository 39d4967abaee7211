"""The log: structlog, JSON for machines, colour for a terminal. One line says one thing once.

What libraries say through the standard `logging` (bleak, dbus_fast, asyncio, gpiozero) goes into the same log, from
warnings on, and each line of theirs at most once a minute.
"""

import logging
import sys
import time
from collections import OrderedDict, deque
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, TextIO

import structlog

from edge_agent.journal import Journal, is_journal

# A library that says the same again sooner than this is not heard.
QUIET_S = 60.0
MAX_REMEMBERED = 200
HIDDEN = "***"
# What a help request may bring of the log (consent to diagnostics): so many lines, of so many characters.
RECENT_LINES = 200
RECENT_CHARACTERS = 400


class Recent:
    """The newest lines; `count` is how many there were, so the number of the last one."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=RECENT_LINES)
        self.count = 0

    def append(self, line: str) -> None:
        """One more; from any thread."""
        self._lines.append(line)
        self.count += 1

    def lines(self) -> list[str]:
        """What is kept, oldest first."""
        return list(self._lines)


recent = Recent()
# Shorter ones are no secrets and would blot out ordinary words.
MIN_SECRET = 6
_SECRET_WORDS = ("password", "passphrase", "secret", "token", "bindkey", "private", "credential")


def configure(level: str, form: str, secrets: Sequence[str] = ()) -> None:
    """Log from `level` on to standard error; `form` is `auto`, `json` or `console`; `secrets` never appear in it.

    Automatic is colour on a terminal, fields where standard error is systemd's journal, and JSON otherwise.
    """
    human = form == "console" or (form == "auto" and sys.stderr.isatty())
    journal = form == "auto" and is_journal(sys.stderr)
    number = logging.getLevelNamesMapping()[level.upper()]
    last: list[Any] = [structlog.processors.JSONRenderer(default=str), _Hide(secrets)]
    if human:
        last[0] = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    elif journal:
        last = [_HideEach(secrets)]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=not human),
            structlog.processors.format_exc_info,
            _hide_by_name,
            _Remember(secrets),
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=(
            (lambda *_: Journal(sys.stderr)) if journal else structlog.PrintLoggerFactory(_Steady(sys.stderr))  # type: ignore[arg-type]
        ),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler, Libraries)]
    root.addHandler(Libraries())
    root.setLevel(max(number, logging.WARNING))


def secret_name(name: str) -> bool:
    """Whether what has this name must not be seen: `password`, `key`, `bind_key`, `api_token` and the like."""
    plain = name.lower()
    return plain == "key" or plain.endswith("_key") or any(word in plain for word in _SECRET_WORDS)


class Libraries(logging.Handler):
    """Hands what libraries log to structlog, a line at most once in QUIET_S."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: OrderedDict[tuple[str, str], float] = OrderedDict()

    def emit(self, record: logging.LogRecord) -> None:
        """One line of a library. Never raises: what cannot be formatted is said as it is."""
        line, now = (record.name, str(record.msg)), time.monotonic()
        if now - self._said.get(line, -QUIET_S) < QUIET_S:
            return
        self._said[line] = now
        self._said.move_to_end(line)
        if len(self._said) > MAX_REMEMBERED:
            self._said.popitem(last=False)
        try:
            text = record.getMessage()
        except (TypeError, ValueError, KeyError):
            text = line[1]
        log = structlog.get_logger(record.name)
        log.log(record.levelno, text[:1000], library=record.name, exc_info=record.exc_info or None)


def _hide_by_name(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    for name in event:
        if secret_name(name):
            event[name] = HIDDEN
    return event


class _Hide:
    """The last word on a line: known secrets are struck out wherever they stand in it."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= MIN_SECRET]

    def __call__(self, _logger: Any, _method: str, line: Any) -> Any:
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        return line


class _HideEach:
    """The same for each value of an event."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._hide = _Hide(secrets)

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        return {name: self._hide(logger, method, str(value)) for name, value in event.items()}


class _Remember:
    """Keeps each line in `recent`, as JSON and without what is secret."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._line = structlog.processors.JSONRenderer(default=str)
        self._hide = _Hide(secrets)

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        recent.append(self._hide(logger, method, self._line(logger, method, dict(event)))[:RECENT_CHARACTERS])
        return event


class _Steady:
    """A stream that cannot fail: a log on a full disk or a closed pipe must not end the agent."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or lose it."""
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            return 0

    def flush(self) -> None:
        """Flush, or not."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return
