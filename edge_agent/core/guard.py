"""A condition on one channel's newest value: when a check counts, and what must hold before a remedy."""

from typing import NamedTuple

from edge_agent.core.reading import Value


class Guard(NamedTuple):
    """`channel` is `device.quantity`, or the quantity alone where the device is said elsewhere; one bound at least."""

    channel: str
    above: float | None = None
    below: float | None = None
    equals: Value | None = None

    def holds(self, value: Value | None) -> bool:
        """Whether it holds for this value; of no value nothing can be said, so it does not."""
        if value is None or (self.equals is not None and value != self.equals):
            return False
        if self.above is None and self.below is None:
            return True
        if isinstance(value, str):
            return False
        return (self.above is None or value > self.above) and (self.below is None or value < self.below)

    def of(self, device: str) -> "Guard":
        """The same on a device's channel."""
        return self._replace(channel=f"{device}.{self.channel}")
