"""The page on site: whether it is open, and opening it."""

from typing import Annotated

from msgspec import Meta

from edge_agent.control.types.base import Ask, Reply

LONGEST_OPEN_S = 8 * 3600.0


class Console(Reply):
    """How the page stands. `left_s` is 0 while it is shut; `lan`: on the network too, not on loopback alone.

    `by` is what opened it: `command`, `input` or `desk`. `pin` is empty but in the reply to who may open it.
    """

    left_s: float
    lan: bool
    port: int
    by: str = ""
    pin: str = ""


class OpenConsole(Ask, frozen=True):
    """The body that opens the page, 0 seconds shut it; None leaves the time to the configuration."""

    seconds: Annotated[float, Meta(ge=0.0, le=LONGEST_OPEN_S)] | None = None
    lan: bool = False
    look: bool = False
