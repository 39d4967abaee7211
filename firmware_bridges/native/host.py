"""The gateway's end of the native link, sans-IO: bytes and times in, messages and bytes out (SPEC.md).

It asks who is there until it knows, keeps the device's clock, repeats commands until they are answered, and sends no
faster than a device that asks for credit allows. What it keeps is bounded.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import SystemRandom
from typing import Any, NamedTuple

from edge_agent.core.errors import RefusedError, WireError
from firmware_bridges.native import clock
from firmware_bridges.native.bodies import body_of, parse
from firmware_bridges.native.chunks import Assembly
from firmware_bridges.native.messages import (
    MAJOR,
    MAX_U32,
    MINOR,
    Ack,
    Beat,
    Chunk,
    Command,
    Crash,
    Credit,
    Event,
    Hello,
    Message,
    Smp,
    Time,
    Type,
)
from firmware_bridges.native.wire import MAX_BODY, Bad, Decoder, Text, encode

TIMEOUT_S = 2.0
TRIES = 3
ASK_FIRST_S, ASK_AT_MOST_S = 1.0, 30.0
TIME_FIRST_S, TIME_EVERY_S = 0.5, 60.0
MAX_QUEUED = 32

_random = SystemRandom()


class Outcome(NamedTuple):
    """How a command ended: the device's status, None where it did not answer."""

    n: int
    status: int | None
    result: Any = None


@dataclass(slots=True)
class _Waiting:
    """A command on its way."""

    frame: bytes
    done: Callable[[Outcome], None]
    due: float
    tries: int = 0


Heard = Message | Text | Bad


class Host:
    """One device's link. Feed it what arrives, and write what `due` gives. Times are monotonic seconds.

    `hello` is None until the device has said who it is; `bad` and `lost` count frames that were spoiled, and numbers
    that were never heard.
    """

    def __init__(self) -> None:
        self.hello: Hello | None = None
        self.clock = clock.Offset()
        self.bad = 0
        self.lost = 0
        self._decoder = Decoder()
        self._assembly = Assembly()
        self._out: deque[bytes] = deque()
        self._number = 0
        self._heard_number: int | None = None
        self._waiting: dict[int, _Waiting] = {}
        self._n = _random.randrange(MAX_U32)
        self._asking = True
        self._ask_at = 0.0
        self._ask_after_s = ASK_FIRST_S
        self._time_at = 0.0
        self._times = 0
        self._credit: int | None = None
        self._spent = 0

    # -- what arrives ------------------------------------------------------------------------------------------------

    def feed(self, data: bytes, at: float) -> Iterator[Heard]:
        """What the bytes say. Bodies that cannot be read are Bad with the code `body`."""
        for piece in self._decoder.feed(data):
            if isinstance(piece, Text):
                yield piece
            elif isinstance(piece, Bad):
                self.bad += 1
                yield piece
            else:
                self._count(piece.number)
                try:
                    message: Message | None = parse(piece.type, piece.body)
                    if isinstance(message, Chunk):
                        message = self._assembly.take(message)
                except WireError:
                    self.bad += 1
                    yield Bad("body")
                    continue
                if message is not None:
                    self._hear(message, at)
                    yield message

    def _count(self, number: int) -> None:
        if self._heard_number is not None:
            self.lost += (number - self._heard_number - 1) & 0xFF
        self._heard_number = number

    def _hear(self, message: Message, at: float) -> None:
        match message:
            case Hello():
                self._meet(message, at)
            case Beat(boot=boot) if self.hello is not None and boot not in (0, self.hello.boot):
                # another device, or another life of this one, that was not heard to say hello
                self._part(at)
            case Time(device_ms=int()):
                self.clock.take(message, at)
            case Credit(limit=limit) if self._credit is not None:
                self._credit = max(self._credit, limit)
            case Ack(type=Type.COMMAND, n=n) if n in self._waiting:
                self._waiting.pop(n).done(Outcome(n, message.status, message.result))
            case _:
                pass

    def _meet(self, hello: Hello, at: float) -> None:
        if self.hello is None or (hello.uid, hello.boot) != (self.hello.uid, self.hello.boot):
            self.clock.forget()
            self._time_at, self._times = at, 0
        self.hello, self._credit, self._spent = hello, hello.credit, 0
        self._asking, self._ask_after_s = False, ASK_FIRST_S

    def _part(self, at: float) -> None:
        self.hello = None
        self._heard_number = None
        self.ask(at)

    # -- what is said ------------------------------------------------------------------------------------------------

    def ask(self, at: float) -> None:
        """Have the device say again who it is and what its channels are."""
        if not self._asking:
            self._asking, self._ask_at = True, at

    def command(self, verb: str, arguments: Any, now: float, done: Callable[[Outcome], None]) -> int:
        """Have the device do something; `done` is called once. Returns the command's number.

        Raises RefusedError where nobody is there, or the device speaks another major version; WireError where the
        command is longer than the device can take.
        """
        if self.hello is None:
            raise RefusedError("the device has not said yet who it is", code="no_hello")
        if self.hello.major != MAJOR:
            raise RefusedError(
                f"the device speaks version {self.hello.major} of the link, this gateway {MAJOR}", code="version"
            )
        if len(self._waiting) >= MAX_QUEUED:
            raise RefusedError("too many commands wait for this device", code="busy")
        self._n = (self._n + 1) & MAX_U32
        body = body_of(Command(self._n, verb, arguments))[1]
        if len(body) > (self.hello.max_body or MAX_BODY):
            raise WireError(f"a command of {len(body)} bytes; the device takes {self.hello.max_body}")
        self._waiting[self._n] = _Waiting(self._frame(Type.COMMAND, body), done, now)
        return self._n

    def smp(self, frame: bytes) -> None:
        """Pass on a frame of the Simple Management Protocol. Raises RefusedError and WireError as `command`."""
        if not self._understood:
            raise RefusedError("there is no device of this version of the link", code="no_hello")
        if len(self._out) >= MAX_QUEUED:
            raise RefusedError("too much waits for this device", code="busy")
        self._out.append(self._frame(*body_of(Smp(frame))))

    def receipt(self, kept: Event | Crash) -> bytes:
        """What tells the device that this is safe here. It needs no credit."""
        kind = Type.EVENT if isinstance(kept, Event) else Type.CRASH
        return self._frame(*body_of(Ack(kind, kept.n, boot=kept.boot)))

    def due(self, now: float) -> tuple[float | None, bytes]:
        """The next deadline (None: never), and what is to be written now (empty: nothing)."""
        out = b""
        if self._asking:
            if now >= self._ask_at:
                self._ask_at = now + self._ask_after_s
                self._ask_after_s = min(2 * self._ask_after_s, ASK_AT_MOST_S)
                out = self._frame(*body_of(Hello(MAJOR, MINOR)))
        elif self._understood and now >= self._time_at:
            # a few at once, so that one of them is quick
            self._times += 1
            self._time_at = now + (TIME_FIRST_S if self._times < clock.SAMPLES else TIME_EVERY_S)
            self._put(self._frame(*body_of(Time(clock.stamp(now)))))
        self._repeat(now)
        out += self._allowed()
        times = [each.due for each in self._waiting.values()]
        times += [self._ask_at] if self._asking else [self._time_at] if self._understood else []
        return min(times, default=None), out

    @property
    def _understood(self) -> bool:
        return self.hello is not None and self.hello.major == MAJOR

    def _repeat(self, now: float) -> None:
        for n, each in list(self._waiting.items()):
            if now < each.due:
                continue
            if each.tries >= TRIES:
                del self._waiting[n]
                each.done(Outcome(n, None))
            else:
                each.tries += 1
                each.due = now + TIMEOUT_S
                self._put(each.frame)

    def _put(self, frame: bytes) -> None:
        """What finds no room is lost: commands and questions are repeated."""
        if len(self._out) < MAX_QUEUED:
            self._out.append(frame)

    def _allowed(self) -> bytes:
        """As much of what waits as the device has room for."""
        out = b""
        while not self._asking and self._out:
            size = len(self._out[0])
            if self._credit is not None and self._spent + size > self._credit:
                break
            self._spent += size
            out += self._out.popleft()
        return out

    def _frame(self, kind: int, body: bytes) -> bytes:
        self._number = (self._number + 1) & 0xFF
        return encode(kind, self._number, body)
