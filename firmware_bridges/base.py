"""What every bridge needs and none should write again: channels made once, and faults and gaps held down."""

from collections.abc import Iterator, Mapping
from typing import Any

from edge_agent.core.errors import ConfigError
from edge_agent.core.reading import Channel, ChannelKind, Chunk, Fault, Reading, Send, Value

# Between two faults of a kind: ten seconds, then twice as long each time up to an hour, anew after ten quiet minutes.
# A serial line at a wrong baud gives hundreds of bad lines a second; a missing key stays missing for weeks.
FAULT_EVERY_S = 10.0
FAULT_AT_LEAST_EVERY_S = 3600.0
QUIET_S = 600.0
# A value that stays away (no GPS fix) is told once, then as often as this: a block a minute, not one a second.
ABSENT_EVERY_S = 60.0


def seconds_between(device: str, options: Mapping[str, Any], least_s: float, most_s: float) -> float:
    """The option `every_s`. Raises ConfigError where it is not from `least_s` to `most_s`."""
    every_s: float = options["every_s"]
    if not least_s <= every_s <= most_s:
        raise ConfigError(f"{device}: every_s is {every_s:g}", fix=f"Use {least_s:g} to {most_s:g} seconds")
    return every_s


class _Held:
    """How it stands with one code: reports are due from `next_at`, and `held` came since the last."""

    __slots__ = ("heard_at", "held", "next_at", "wait_s")

    def __init__(self, at: float) -> None:
        self.heard_at = at
        self.next_at = at
        self.wait_s = FAULT_EVERY_S
        self.held = 0


class Faults:
    """Makes a bridge's faults and holds most of them back. `counts` has them all, by code."""

    __slots__ = ("_codes", "_device", "counts")

    def __init__(self, device: str) -> None:
        self._device = device
        self._codes: dict[str, _Held] = {}
        self.counts: dict[str, int] = {}

    def say(self, code: str, text: str, at: float) -> Iterator[Fault]:
        """One fault of this code, or none if the last is too fresh. Codes and their number are the bridge's own."""
        self.counts[code] = self.counts.get(code, 0) + 1
        state = self._codes.get(code)
        if state is None or at - state.heard_at > QUIET_S:
            held = state.held if state is not None else 0
            state = self._codes[code] = _Held(at)
            state.held = held
        state.heard_at = at
        if at < state.next_at:
            state.held += 1
            return
        state.next_at = at + state.wait_s
        state.wait_s = min(2 * state.wait_s, FAULT_AT_LEAST_EVERY_S)
        held, state.held = state.held, 0
        yield Fault(self._device, code, f"{text} ({held} more since the last report)" if held else text, at)


class ListeningBridge:
    """Base of bridges that only listen. Subclasses write `feed`, and take channels, faults and gaps from here."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.faults = Faults(device)
        # Frames that were right, whether or not a channel is made of them: for firmware_bridges.trial.
        self.heard = 0
        self._channels: dict[str, Channel] = {}
        self._absent_until: dict[str, float] = {}

    def next(self, now: float) -> tuple[float | None, Send | Reading | Fault | None]:  # noqa: ARG002 - the Protocol's own name
        """Nothing is ever asked of the device."""
        return None, None

    def channel(self, quantity: str, unit: str = "", kind: ChannelKind = ChannelKind.GAUGE) -> Channel:
        """The device's channel of this quantity: made at the first call, the same object ever after."""
        channel = self._channels.get(quantity)
        if channel is None:
            channel = self._channels[quantity] = Channel(f"{self.device}.{quantity}", unit, kind)
        return channel

    def present(self, channel: Channel, value: Value, at: float) -> Reading:
        """A reading; a gap of this channel is over."""
        if self._absent_until:
            self._absent_until.pop(channel.name, None)
        return Reading(channel, value, at)

    def absent(self, channel: Channel, reason: str, at: float) -> Iterator[Reading]:
        """A reading without a value, when the gap begins and every ABSENT_EVERY_S while it lasts."""
        if at >= self._absent_until.get(channel.name, at):
            self._absent_until[channel.name] = at + ABSENT_EVERY_S
            yield Reading(channel, None, at, reason)

    def unsupported(self, chunk: Chunk, at: float) -> Iterator[Fault]:
        """The fault for a chunk of a transport that this language is not spoken on."""
        yield from self.faults.say("unsupported", f"this language cannot read {type(chunk).__name__} data", at)
