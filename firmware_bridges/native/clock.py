"""The device's clock beside the gateway's: an offset from the quickest of the last answers (SPEC.md §5.3)."""

from collections import deque

from firmware_bridges.native.messages import MAX_U32, Time

SAMPLES = 8  # at one a minute: a crystal of 50 ppm has drifted by 24 ms over them
_TURN_S = (MAX_U32 + 1) / 1000
# An answer that took longer says nothing that the arrival does not say better.
MAX_RTT_S = 2.0


def stamp(now: float) -> int:
    """The gateway's monotonic seconds as the wire says them."""
    return int(now * 1000) & MAX_U32


class Offset:
    """What to add to the device's uptime to have the gateway's monotonic seconds."""

    __slots__ = ("_samples",)

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=SAMPLES)

    def forget(self) -> None:
        """The device started anew: its clock did too."""
        self._samples.clear()

    def take(self, answer: Time, at: float) -> None:
        """One answer, that arrived `at`."""
        rtt_s = ((stamp(at) - answer.host_ms) & MAX_U32) / 1000
        if answer.device_ms is not None and rtt_s <= MAX_RTT_S:
            self._samples.append((rtt_s, at - rtt_s / 2 - answer.device_ms / 1000))

    def at(self, uptime_ms: int, arrived: float, slack_s: float) -> float:
        """When the device's clock showed `uptime_ms`: at most `slack_s` before it `arrived`, never after."""
        if not self._samples:
            return arrived
        # the device's milliseconds begin anew after 49.7 days
        said = uptime_ms / 1000 + min(self._samples)[1]
        turns = round((arrived - said) / _TURN_S)
        said += turns * _TURN_S
        return said if arrived - slack_s <= said <= arrived else arrived
