"""What may leave this house."""

from typing import Annotated, Literal

from msgspec import Meta

from edge_agent.control.types.base import Ask, Reply


class Purpose(Reply):
    """One purpose: whether it is allowed now, and in the household's language what it lets out.

    `configured` is what the configuration says; `by` (`page` or `command`) and `wall` tell who decided otherwise and
    when, empty and None where nobody did.
    """

    name: str
    granted: bool
    lets_out: str
    configured: bool
    by: str = ""
    wall: float | None = None


class Consent(Reply):
    """All purposes. `always` says what needs none; `now_wall` is what the gateway takes the time to be."""

    purposes: list[Purpose]
    always: str
    language: str = "en"
    now_wall: float = 0.0


class Decide(Ask, frozen=True):
    """The body of a decision: a purpose is allowed (`granted`) or taken back."""

    purpose: Annotated[str, Meta(min_length=1, max_length=40)]
    granted: bool
    by: Literal["page", "command"] = "command"
