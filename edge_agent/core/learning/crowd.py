"""How many are judged beside one another."""

import math


class Crowd:
    """How many channels are judged beside one another. Among many, one that is rare for each comes often.

    A sum of n powers of ten and more comes about ten times less often for each power of ten, so that among `channels`
    all together are as quiet as one with a threshold that is higher by log10 of their number (Bonferroni).
    """

    __slots__ = ("channels",)

    def __init__(self) -> None:
        self.channels = 0

    @property
    def decades(self) -> float:
        """What one of them must say beyond what one alone must."""
        return math.log10(max(self.channels, 1))
