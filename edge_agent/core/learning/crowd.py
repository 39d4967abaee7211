"""How many are judged beside one another."""

import math


class Crowd:
    """How many channels are judged beside one another. Among many, one that is rare for each comes often.

    Were a sum of n powers of ten as rare as it says, all together would be as quiet as one alone with a threshold
    higher by log10 of their number (Bonferroni). It is not: for ten times as many, each is quieter by about a quarter.
    """

    __slots__ = ("channels",)

    def __init__(self) -> None:
        self.channels = 0

    @property
    def decades(self) -> float:
        """What one of them must say beyond what one alone must."""
        return math.log10(max(self.channels, 1))
