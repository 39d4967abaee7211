"""Types of arguments that several commands take."""

import argparse
from collections.abc import Callable


def number(low: float, high: float) -> Callable[[str], float]:
    """The type of an argument that is a number from `low` to `high`."""

    def parsed(word: str) -> float:
        wrong = argparse.ArgumentTypeError(f"{word} is no number from {low:g} to {high:g}")
        try:
            found = float(word)
        except ValueError:
            raise wrong from None
        if not low <= found <= high:
            raise wrong
        return found

    return parsed


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def duration(low_s: float, high_s: float) -> Callable[[str], float]:
    """The type of an argument that is a length of time such as 90s, 30m, 12h or 3d; gives seconds."""

    def parsed(word: str) -> float:
        try:
            seconds = float(word[:-1]) * _UNITS[word[-1:]]
        except (ValueError, KeyError):
            raise argparse.ArgumentTypeError(f"{word} is no length of time such as 30m, 12h or 3d") from None
        if not low_s <= seconds <= high_s:
            at_most = f"{high_s / 86_400.0:g}d" if high_s >= 86_400.0 else f"{high_s:g}s"
            raise argparse.ArgumentTypeError(f"{word} is not from {low_s:g}s to {at_most}")
        return seconds

    return parsed
