"""How a part of the gateway is: a state with a sentence, never an exit."""

from typing import NamedTuple


class Health(NamedTuple):
    """`ready` or not; `sentence` says it in plain words; `fix` what a person can do, empty when nothing is needed."""

    ready: bool
    sentence: str
    fix: str = ""


STARTING = Health(False, "starting")
