"""How a part of the gateway is: a state with a sentence, never an exit; and every condition that there can be, once."""

from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple


class Health(NamedTuple):
    """`ready` or not; `sentence` says it in plain words; `fix` what a person can do, empty when nothing is needed."""

    ready: bool
    sentence: str
    fix: str = ""


class Severity(StrEnum):
    """What it means for the household where a condition does not hold."""

    ALARM = "alarm"  # a call for help may not get through
    WARNING = "warning"  # something does not work
    NOTICE = "notice"  # something will not work for long


class Condition(NamedTuple):
    """Something that shall hold. `needs` are the conditions without which it cannot, and then is not to blame.

    Its title is `health.{code}` in the texts. Status, self-test, metrics and report all read this table.
    """

    code: str
    severity: Severity
    needs: tuple[str, ...] = ()


_ALL = (
    # what the status shows all the time
    Condition("help", Severity.ALARM, ("store",)),
    Condition("service", Severity.ALARM, ("tls", "tcp")),
    Condition("store", Severity.ALARM),
    Condition("desk", Severity.WARNING),
    Condition("channel", Severity.WARNING),
    Condition("button", Severity.ALARM, ("gpio",)),
    Condition("speech", Severity.NOTICE),
    Condition("test", Severity.ALARM, ("service",)),
    Condition("rules", Severity.WARNING),
    Condition("gpio", Severity.ALARM),
    Condition("serial", Severity.WARNING),
    Condition("ble", Severity.WARNING),
    Condition("can", Severity.WARNING),
    Condition("file", Severity.WARNING),
    Condition("device", Severity.WARNING, ("gpio", "serial", "ble", "can", "file")),
    # what only the self-test looks at
    Condition("config", Severity.ALARM),
    Condition("version", Severity.NOTICE),
    Condition("power", Severity.WARNING),
    Condition("clock", Severity.WARNING),
    Condition("space", Severity.WARNING),
    Condition("disk", Severity.WARNING),
    Condition("wear", Severity.NOTICE),
    Condition("memory", Severity.WARNING),
    Condition("temperature", Severity.WARNING),
    Condition("lamp", Severity.ALARM, ("gpio",)),
    Condition("queue", Severity.NOTICE),
    Condition("link", Severity.ALARM),
    Condition("address", Severity.ALARM, ("link",)),
    Condition("dns", Severity.ALARM, ("address",)),
    Condition("tcp", Severity.ALARM, ("dns",)),
    Condition("portal", Severity.ALARM, ("address",)),
    Condition("tls", Severity.ALARM, ("tcp",)),
    Condition("plugin", Severity.NOTICE),
)
CONDITIONS = {condition.code: condition for condition in _ALL}


def code_of(name: str) -> str:
    """The condition that a part of this name is about: `serial:boiler` is one of serial, `channel web` of channel."""
    return name.partition(" ")[0].partition(":")[0]


def condition_of(name: str) -> Condition:
    """The condition of a part; one that the table does not have is a warning and needs nothing."""
    code = code_of(name)
    return CONDITIONS.get(code, Condition(code, Severity.WARNING))


def needs_of(code: str, present: Collection[str]) -> tuple[str, ...]:
    """Those of `present` that this one needs; where one is not among them, what that one needs in its place."""
    found: dict[str, None] = {}
    for need in condition_of(code).needs:
        found |= dict.fromkeys((need,) if need in present else needs_of(need, present))
    return tuple(found)
