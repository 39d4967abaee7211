"""The compact forms of the wire, byte by byte: examples made by core.compact and core.compact_word."""  # noqa: INP001

from collections.abc import Mapping, Sequence
from typing import Any

from edge_agent.core import compact_word
from edge_agent.core.compact import CompactCall, Power, finding_code, gateway_number, rule_number
from edge_agent.core.ids import uuid_bytes
from edge_agent.core.request import Trigger
from edge_agent.core.wire import open_envelope, unpack
from simulators.desk.keys import DeskKey

# Bytes of each field, and what it is.
CALL = (
    (1, "version: 1"),
    (1, "1: `edge.help.raised.v1`; 2: `edge.help.reopened.v1`; 3: `edge.help.cancelled.v1`"),
    (16, "id of the event"),
    (16, "`request`: id of the event that raised the case; with 1 the same"),
    (
        5,
        "the case's code: a number to base 31, its digits `23456789ABCDEFGHJKMNPQRSTUVWXYZ`",
    ),
    (8, "number of the gateway: the first bytes of the SHA-256 of its id"),
    (4, "`sequence`"),
    (6, "time of the press, Unix milliseconds as the clock then said"),
    (4, "age of the press by the monotonic clock when it was sent, tenths of a second"),
    (2, "flags, below"),
    (2, "number of the rule that raised it: the first bytes of the SHA-256 of its name; 0: none"),
    (
        4,
        "first finding, below; 0: none",
    ),
    (4, "second finding"),
    (1, "battery, percent; 255: none"),
)
WORD = (
    (
        1,
        "16 times the version (1), twice the type, below, and 1 when the number is `through`",
    ),
    (1, "which key signed: the first byte of the SHA-256 of `kid`"),
    (16, "id of the word; the same as over MQTT"),
    (8, "the last eight bytes of `event`, the case's id"),
    (4, "`iat`"),
    (4, "`through`, or `knows`: up to which sequence the desk has heard of this case, if only in compact form"),
    (2, "`next_word_wall`, in minutes after `iat`, rounded up; 0: none"),
)


def _table(fields: Sequence[tuple[int, str]], raw: bytes) -> str:
    rows, at = ["| byte | field | in the example |", "|---|---|---|"], 0
    for size, what in fields:
        place = str(at) if size == 1 else f"{at} to {at + size - 1}"
        rows.append(f"| {place} | {what} | `{raw[at : at + size].hex()}` |")
        at += size
    return "\n".join(rows) + "\n"


def call(gateway: str, request: str, case: str, wall: float) -> str:
    """A call of the example's gateway, its bytes by field."""
    example = CompactCall(
        type="edge.help.raised.v1",
        event=uuid_bytes(request),
        request=uuid_bytes(request),
        case=case,
        gateway=gateway_number(gateway),
        sequence=1,
        pressed_ms=int(wall * 1000),
        age_ds=75,
        trigger=Trigger.MANUAL,
        clock_trusted=True,
        power=Power.MAINS,
        consent=frozenset({"findings", "help_ready", "telemetry"}),
        rule=rule_number(""),
        findings=(finding_code("boiler.pressure", "range"),),
    )
    return _table(CALL, example.pack())


def word(key: DeskKey, signed: bytes) -> str:
    """The desk's example answer in its compact form, its bytes by field."""
    data: Mapping[str, Any] = unpack(open_envelope(signed).body)
    raw = key.sign_bytes(compact_word.word_body(key.kid, data))
    size = len(raw) - compact_word.SIGNATURE_BYTES
    head = compact_word.HEAD_BYTES
    fields = (
        *WORD,
        (
            size - head,
            "text in UTF-8, below",
        ),
        (compact_word.SIGNATURE_BYTES, "Ed25519 over all bytes before"),
    )
    return _table(fields, raw)
