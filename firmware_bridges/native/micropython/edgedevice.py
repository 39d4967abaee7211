"""The device's half of the native link in MicroPython: hello, beats, values, and what is held until the gateway has it.

who = Identity("Acme", "panel", "1.0", "b1", machine.unique_id())
device = Device(who, uart.write, (("temperature", "Cel", GAUGE),))
while True:
    device.feed(uart.read() or b"")
    device.poll()
    device.data({0: 21.5})

What is held lies in a file, so that it survives resets and power cuts; it is written when something is raised and when
that is acknowledged. Times are milliseconds of `time.ticks_ms`.
"""

import json
import os
import time

import edgelink as link

GAUGE, COUNTER, STATE, ANGLE, TEXT = 0, 1, 2, 3, 4
OVER, NOTICE, WARNING, ALARM = 0, 1, 2, 3
OK, FAILED, REFUSED, BUSY, BAD_ARGUMENT, UNKNOWN_VERB = 0, 5, 13, 16, 22, 38
MAX_EVENTS = 4
FIRST_MS = 250
AT_MOST_MS = 8000
MAX_WHAT = 120  # characters of an exception that are kept


class Identity:
    """Who the device is: vendor, model, version, build id, and the chip's own number (bytes)."""

    def __init__(self, vendor, model, version, build, uid):
        self.vendor = vendor
        self.model = model
        self.version = version
        self.build = build
        self.uid = bytes(uid)


class Device:
    """`write(bytes)` puts a frame on the wire. `command(verb, arguments)` gives a status; `smp(frame)` takes SMP.

    A verb that destroys what would answer (reset) is only noted in `command`, and done behind `feed`.
    """

    def __init__(
        self, identity, write, channels=(), command=None, smp=None, beat_ms=5000, reason="power", held="held.json"
    ):
        self.identity = identity
        self.channels = channels
        self.beat_ms = beat_ms
        self.reason = reason
        self.dropped = 0
        self.receiver = link.Receiver()
        self._write = write
        self._command = command
        self._smp = smp
        self._path = held
        self._number = 0
        self._last = None
        self._start = time.ticks_ms()
        self._beat_at = self._start
        held_here = _load(held)
        self.boot = held_here["boot"] + 1
        self._next = 1
        # each with when it happened, when it was said last, and how long to wait for the next time
        self._held = [[event, self._start, self._start, FIRST_MS] for event in held_here["held"]]
        self._save()
        self.hello()

    # -- what it says --

    def hello(self):
        """Who this is, and what its channels are."""
        who = self.identity
        can = 2 | (4 if self._command else 0) | (1 if self._smp else 0)
        said = [link.MAJOR, link.MINOR, who.vendor, who.model, who.version, who.build, who.uid, self.boot]
        said += [self.reason, link.MAX_BODY, can, len(self.channels), self.beat_ms]
        self._say(link.HELLO, said)
        for number, channel in enumerate(self.channels):
            self._send(link.CHANNELS, {number: list(channel)})

    def data(self, values):
        """Values by number of their channel; None: there is none now."""
        return self._say(link.DATA, [self.uptime_ms(), values])

    def log(self, level, text):
        """A line of the log: 0 debug, 1 info, 2 warning, 3 error."""
        return self._say(link.LOG, [level, self.uptime_ms(), text[:150]])

    def raise_(self, name, level=WARNING, code="", text=""):
        """Hold an event and say it until it is acknowledged; False: MAX_EVENTS are held already."""
        return self._hold({"type": link.EVENT, "name": name, "level": level, "code": code, "text": text[:120]})

    def crashed(self, error):
        """Hold what was raised as a crash record: then reset. It is told in the next life."""
        what = "{}: {}".format(type(error).__name__, error)[:MAX_WHAT]
        return self._hold({"type": link.CRASH, "what": what, "uptime": self.uptime_ms()})

    def holding(self):
        """Whether anything waits for its acknowledgement: for a lamp."""
        return bool(self._held)

    def uptime_ms(self):
        """Milliseconds since it was made."""
        return time.ticks_diff(time.ticks_ms(), self._start)

    # -- its life --

    def poll(self):
        """Beats, and repetitions of what is held: call it every 10 ms or so."""
        now = time.ticks_ms()
        if time.ticks_diff(now, self._beat_at) >= self.beat_ms:
            self._beat_at = now
            self._say(link.BEAT, [self.uptime_ms(), self.boot, self.receiver.good, self.receiver.bad, self.dropped])
        for row in self._held:
            if time.ticks_diff(now, row[2]) >= row[3]:
                row[2], row[3] = now, min(2 * row[3], AT_MOST_MS)
                self._say_held(row)

    def feed(self, data):
        """Bytes that arrived, in any pieces."""
        for kind, _, body in self.receiver.feed(data):
            if kind == link.SMP:
                if self._smp:
                    self._smp(body)
                continue
            try:
                said = link.unpack(body)
                if isinstance(said, dict):
                    self._hear(kind, said)
            except (ValueError, TypeError):
                self.receiver.bad += 1

    def smp(self, frame):
        """An answer of the management protocol, as it is."""
        return self._put(link.frame(link.SMP, self._count(), frame))

    # -- inside --

    def _hear(self, kind, said):
        if kind == link.HELLO:
            self.hello()
        elif kind == link.TIME:
            self._say(link.TIME, [said.get(0, 0), self.uptime_ms()])
        elif kind == link.COMMAND:
            n = said.get(0)
            if self._last is None or self._last[0] != n:
                status = self._command(said.get(1, ""), said.get(2)) if self._command else UNKNOWN_VERB
                self._last = (n, status)
            self._say(link.ACK, [link.COMMAND, n, self._last[1]])
        elif kind == link.ACK and not said.get(2):
            name = (said.get(0), said.get(1), said.get(3, 0))
            left = [row for row in self._held if (row[0]["type"], row[0]["n"], row[0]["boot"]) != name]
            if len(left) < len(self._held):
                self._held = left
                self._save()

    def _hold(self, event):
        if len(self._held) >= MAX_EVENTS:
            return False
        event["boot"], event["n"] = self.boot, self._next
        self._next += 1
        now = time.ticks_ms()
        row = [event, now, now, FIRST_MS]
        self._held.append(row)
        self._save()
        self._say_held(row)
        return True

    def _say_held(self, row):
        event, at = row[0], row[1]
        name = [self.identity.uid, event["boot"], event["n"]]
        if event["type"] == link.EVENT:
            age = time.ticks_diff(time.ticks_ms(), at)
            self._say(link.EVENT, name + [event["name"], age, event["level"], event["code"], event["text"]])
        else:
            rest = [0, 0, 0, 0, 0, event["uptime"], self.identity.build, event["what"]]
            self._say(link.CRASH, name + rest)

    def _say(self, kind, said):
        return self._send(kind, dict(enumerate(said)))

    def _send(self, kind, said):
        try:
            wire = link.frame(kind, self._count(), link.pack(said))
        except ValueError:
            self.dropped += 1
            return False
        return self._put(wire)

    def _put(self, wire):
        try:
            self._write(wire)
        except OSError:
            self.dropped += 1
            return False
        return True

    def _count(self):
        self._number = (self._number + 1) & 0xFF
        return self._number

    def _save(self):
        """Whole or not at all: a new file, then its name."""
        fresh = self._path + ".new"
        with open(fresh, "w") as file:
            json.dump({"boot": self.boot, "held": [row[0] for row in self._held]}, file)
        os.rename(fresh, self._path)


def _load(path):
    try:
        with open(path) as file:
            found = json.load(file)
        return {"boot": int(found["boot"]), "held": list(found["held"])}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    # nothing of an earlier life: any number that was not used before
    return {"boot": int.from_bytes(os.urandom(4), "big") & 0x7FFFFFFF, "held": []}
