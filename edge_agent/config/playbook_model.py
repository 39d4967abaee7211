"""Every key of a playbook's file, with its range. The JSON Schema for editors is made from here too."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Word = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$", description="a lower-case word such as boiler")]
Words = Annotated[str, Meta(pattern=r"^([a-z][a-z0-9_]{0,31}|\*)$", description="a lower-case word, or * for any")]
Quantity = Annotated[str, Meta(pattern=r"^[a-z0-9_.]{1,80}$", description="a quantity such as flow_temperature")]
SignQuantity = Annotated[str, Meta(pattern=r"^[a-z0-9_.]{0,80}\*?$", description="a quantity, some*, or none")]
Line = Annotated[str, Meta(min_length=1, max_length=200)]
Seconds = Annotated[float, Meta(ge=0.0, le=366 * 86400.0)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all tables."""


class SignTable(Section, frozen=True):
    """One finding to look for; see core.playbook.Sign."""

    check: Word
    quantity: SignQuantity = ""
    side: Literal["", "low", "high"] = ""
    kind: Word | None = None


class MatchTable(Section, frozen=True):
    """How the signs come together; see core.playbook.Match."""

    all: tuple[SignTable, ...] = ()
    any: tuple[SignTable, ...] = ()
    sequence: tuple[SignTable, ...] = ()
    within_s: Seconds = 0.0


class GuardTable(Section, frozen=True):
    """A condition on another quantity of the device; one bound at least."""

    quantity: Quantity
    above: float | None = None
    below: float | None = None
    equals: Any = None


class CheckTable(Section, frozen=True):
    """A check that the playbook brings; `name` is the kind of its findings, and what signs call it."""

    name: Word
    quantity: Quantity
    kind: Literal["range", "rate", "stuck", "silent"]
    min: float | None = None
    max: float | None = None
    hysteresis: Annotated[float, Meta(ge=0.0)] = 0.0
    per_s: Annotated[float, Meta(gt=0.0)] | None = None
    window_s: Annotated[float, Meta(gt=0.0, le=366 * 86400.0)] | None = None
    confirm_s: Seconds = 0.0
    clear_s: Seconds = 0.0
    severity: Literal["notice", "warning", "alarm"] = "notice"
    only_while: GuardTable | None = None


class RemedyTable(Section, frozen=True):
    """What the agent may do by itself; see core.playbook.Remedy."""

    does: Literal["read_again", "reopen_port", "restart_driver", "reset_device", "power_cycle"]
    only_if: GuardTable | None = None
    worked: Literal["heard", "cleared"] = "heard"
    verify_s: Annotated[float, Meta(ge=1.0, le=3600.0)] = 60.0
    limit: Annotated[int, Meta(ge=1, le=10)] = 3
    per_s: Annotated[float, Meta(ge=60.0, le=30 * 86400.0)] = 86_400.0
    off_s: Annotated[float, Meta(ge=1.0, le=300.0)] | None = None


class TextTable(Section, frozen=True):
    """What people are told in one language; `{device}` becomes the device's name."""

    title: Annotated[str, Meta(min_length=1, max_length=80)]
    cause: Line
    action: Annotated[str, Meta(min_length=1, max_length=400)]


class PlaybookFile(Section, frozen=True):
    """The whole file."""

    name: Word
    kinds: tuple[Words, ...]
    match: MatchTable
    text: dict[str, TextTable]
    severity: Literal["notice", "warning", "alarm"] = "warning"
    confidence: Literal["certain", "likely", "possible"] = "likely"
    clear_s: Seconds = 0.0
    offer_help: bool = True
    check: tuple[CheckTable, ...] = ()
    remedy: tuple[RemedyTable, ...] = ()
