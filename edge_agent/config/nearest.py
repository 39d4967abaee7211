"""The known word nearest to a wrong one; difflib is imported only when there is a mistake."""

from collections.abc import Iterable
from typing import Any

# The share of letters in common, as difflib counts it; below it, guesses for short words are noise.
_CUTOFF = 0.59


def nearest(word: Any, known: Iterable[Any]) -> str:
    """The most similar of the known words, whatever the case; empty when none is similar."""
    if not isinstance(word, str) or len(word) > 64:
        return ""
    from difflib import SequenceMatcher  # noqa: PLC0415 (2 ms that a right file need not pay)

    best, score = "", _CUTOFF
    for text in known:
        plain = str(text).lower()
        likeness = SequenceMatcher(None, word.lower(), plain).ratio()
        if sorted(plain) == sorted(word.lower()):  # the same letters in another order are the usual slip: prot, port
            likeness = 1.0
        if likeness > score:
            best, score = str(text), likeness
    return best
