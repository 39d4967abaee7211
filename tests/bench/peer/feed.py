"""The feed: numbered readings as JSON, one a message, QoS 1, over a raw socket into the local broker."""

import os
import socket
import time
from typing import NamedTuple

from tests.bench.limits import text
from tests.bench.peer.packets import PUBACK, Splitter, connect, publish

SENSORS = 20
ALARM = "alarm"
# An alarm's value is its number, and this much more when the number is even: each second one is far too high.
TOO_HIGH = 1_000_000
LIMIT = 500_000.0
# Each value has its number in it: hundredths.
STEPS = 100
_WINDOW = 1000
_AT_ONCE = 100
_TIMEOUT_S = 30.0


class Fed(NamedTuple):
    """`sent` has the monotonic second at which each reading of a timed feed left, by its number."""

    accepted_at: float
    seconds: float
    sent: dict[int, float]


def number_of(sensor: str, value: float) -> int:
    """The number of a reading, from its value."""
    return round(value) % TOO_HIGH if sensor == ALARM else round(value * STEPS)


def feed(port: int, count: int, per_s: float = 0.0, *, first: int = 0, alarm: bool = False) -> Fed:
    """Returns when the broker has acknowledged all of them; `per_s` 0 is as fast as it does."""
    connection = _connected(port)
    acknowledged, flying, splitter = 0, 0, Splitter()
    sent: dict[int, float] = {}
    stamp = int(time.time() * 1000) - 1_000_000  # a millisecond of its own for each: a store by time merges none
    began = time.monotonic()
    while acknowledged < count:
        done = acknowledged + flying
        due = count if not per_s else min(count, int((time.monotonic() - began) * per_s) + 1)
        some = min(due - done, _AT_ONCE, _WINDOW - flying)
        if some > 0:
            now = time.monotonic()
            sent |= dict.fromkeys(range(first + done, first + done + some), now) if per_s else {}
            numbers = range(first + done, first + done + some)
            connection.sendall(b"".join(_message(number, stamp, alarm) for number in numbers))
            flying += some
        elif per_s and flying < _WINDOW and done < count:
            time.sleep(min(0.002, 0.5 / per_s))
        answers = _answers(connection, splitter, wait=done == count or flying >= _WINDOW)
        acknowledged, flying = acknowledged + answers, flying - answers
    accepted_at = time.monotonic()
    connection.close()
    return Fed(accepted_at, accepted_at - began, sent)


def _connected(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(connect(f"feed-{os.getpid()}-{time.monotonic_ns()}", clean=True))
    connection.recv(4)
    return connection


def _message(number: int, stamp: int, alarm: bool) -> bytes:
    sensor = ALARM if alarm else f"s{number % SENSORS:02d}"
    value = number + TOO_HIGH * (number % 2 == 0) if alarm else number / STEPS
    told = (
        f'{{"ts": {stamp + number}, "dev": "gw-0042", "sensor": "{sensor}", "kind": "temp", '
        f'"v": {value:.2f}, "u": "Cel", "seq": {number}, "q": 0}}'
    )
    return publish(text(f"sensor/{sensor}/data"), number, told.encode())


def _answers(connection: socket.socket, splitter: Splitter, *, wait: bool) -> int:
    connection.settimeout(_TIMEOUT_S if wait else 0.0)
    try:
        data = connection.recv(65536)
    except BlockingIOError:
        return 0
    finally:
        connection.settimeout(_TIMEOUT_S)
    if not data:
        raise ConnectionError("the local broker hung up")
    return sum(kind & 0xF0 == PUBACK for kind, _ in splitter.feed(data))
