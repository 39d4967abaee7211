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
