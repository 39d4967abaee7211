"""The far end: both clouds in one. It counts the number of every reading, and answers ThingsBoard's few questions."""

import json
import select
import socket
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from edge_agent.core.block import unpack as block
from edge_agent.core.wire import unpack
from tests.bench.limits import text
from tests.bench.peer.feed import ALARM, number_of
from tests.bench.peer.packets import PUBLISH, Splitter, connect, opened, puback, publish, subscribe

AGENT, THINGSBOARD = "edge-agent", "ThingsBoard Gateway"
# A cloud of its own host without limits of rate: ThingsBoard CE's defaults.
_LIMITS = {"maxPayloadSize": 65536, "maxInflightMessages": 100, "rateLimits": {}, "gatewayRateLimits": {}}
_TOPICS = ("edge/v1/+/up/telemetry", "edge/v1/+/up/finding", "v1/gateway/telemetry")
_QUESTIONS = ("v1/devices/me/rpc/request/+", "v1/devices/me/attributes/request/+", "v1/gateway/attributes/request")


@dataclass
class Count:
    """What came from one of them. Times are monotonic seconds; `alarms` when each came first, by its number."""

    distinct: int = 0
    again: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    # when this many had come: for the rate of a flood without its tail
    came: list[tuple[float, int]] = field(default_factory=list)
    alarms: dict[int, float] = field(default_factory=dict)


class Cloud:
    """`serve` lives in a process of its own; each thing that comes through `pipe` is answered with all counts."""

    def __init__(self, port: int) -> None:
        self._counts = {AGENT: Count(), THINGSBOARD: Count()}
        self._seen: dict[str, set[int]] = {AGENT: set(), THINGSBOARD: set()}
        self._asked = 0
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10.0)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(connect("cloud", clean=True) + subscribe(*_TOPICS, *_QUESTIONS))

    def serve(self, pipe: Connection) -> None:
        splitter = Splitter()
        while True:
            for ready in select.select([self._socket, pipe], [], [])[0]:
                if ready is pipe:
                    pipe.recv()
                    pipe.send(self._counts)
                    continue
                data = self._socket.recv(1 << 18)
                if not data:
                    return
                self._take([body for kind, body in splitter.feed(data) if kind & 0xF0 == PUBLISH], time.monotonic())

    def _take(self, bodies: list[bytes], now: float) -> None:
        answers = []
        for topic, number, payload in map(opened, bodies):
            answers.append(puback(number))
            if topic.startswith(b"edge/"):
                self._count(AGENT, _of_agent(topic, payload), now)
            elif topic == b"v1/gateway/telemetry":
                self._count(THINGSBOARD, _of_thingsboard(payload), now)
            else:
                self._asked += 1
                answers.append(publish(*_answer(topic.decode(), self._asked, payload)))
        self._socket.sendall(b"".join(answers))

    def _count(self, who: str, found: list[tuple[str, int]], now: float) -> None:
        count, seen = self._counts[who], self._seen[who]
        for sensor, number in found:
            if sensor == ALARM:
                count.alarms.setdefault(number, now)
            elif number in seen:
                count.again += 1
            else:
                seen.add(number)
        if len(seen) > count.distinct:
            count.distinct, count.last_at = len(seen), now
            count.first_at = count.first_at or now
            count.came.append((now, count.distinct))


def _of_agent(topic: bytes, payload: bytes) -> list[tuple[str, int]]:
    """A finding counts as the alarm that made it: the newest reading of its freeze frame."""
    if topic.endswith(b"/finding"):
        frame = unpack(payload)["freeze_frame"]
        return [(ALARM, number_of(ALARM, frame[-1][1]))] if frame else []
    readings = [(r.channel.device, r.value) for r in block(payload, 0.0)]
    return [(sensor, number_of(sensor, value)) for sensor, value in readings if sensor != ALARM]  # type: ignore[arg-type]


def _of_thingsboard(payload: bytes) -> list[tuple[str, int]]:
    told: dict[str, list[dict[str, Any]]] = json.loads(payload)
    return [(name, number_of(name, row["values"]["v"])) for name, rows in told.items() for row in rows]


def _answer(topic: str, number: int, payload: bytes) -> tuple[bytes, int, bytes]:
    if topic == _QUESTIONS[2]:
        asked = json.loads(payload)
        answer = {"id": asked.get("id"), "device": asked.get("device"), "values": {}}
        return text("v1/gateway/attributes/response"), number, json.dumps(answer).encode()
    told = _LIMITS if "/rpc/" in topic else {}
    return text(topic.replace("/request/", "/response/")), number, json.dumps(told).encode()
