"""Calls in their compact form: what the desk makes of them, and its words made as short as an SMS."""

from typing import Any

from edge_agent.core.compact import CompactCall, finding_code, gateway_number
from edge_agent.core.compact_word import word_body
from edge_agent.core.errors import WireError
from edge_agent.core.event import EventKind, Lane
from edge_agent.core.ids import uuid_text
from edge_agent.core.wire import open_envelope, text_of, unpack
from simulators.desk.answers import Answers
from simulators.desk.cases import Case, Cases
from simulators.desk.intake import DeskEvent
from simulators.desk.keys import DeskKey
from simulators.desk.store import Store
from simulators.desk.voice import CANCEL_RECEIVED, ENGAGED, RECEIVED, RESOLVED

_REOPENED, _CANCELLED = "edge.help.reopened.v1", "edge.help.cancelled.v1"
# A policy may say it over MQTT; an SMS has room for what the lamp shows and a few words.
_ACKNOWLEDGES = (RECEIVED, ENGAGED, RESOLVED, CANCEL_RECEIVED)


def hear(call: CompactCall, store: Store, cases: Cases, answers: Answers, at: float) -> Case | None:
    """Open, reopen or cancel the case of a call, or say again what was said in it. Stands within a batch of the store.

    The event itself is still expected: it comes whole, with the same id, as soon as the gateway has a network.
    """
    gateway = gateway_of(call.gateway, store)
    case = cases.find(gateway, uuid_text(call.request))
    turns = call.type == _REOPENED and case is not None and not case.open
    ends = call.type == _CANCELLED and case is not None and case.open
    new = case is None or turns or ends
    return answers.hear(_event(call, gateway, at, _findings(call, gateway, store)), new=new)


def gateway_of(number: bytes, store: Store) -> str:
    """The id of the gateway with this number; a name made of the number where it never spoke before."""
    known = [row[0] for row in store.db.execute("SELECT DISTINCT gateway FROM events")]
    return next((name for name in known if gateway_number(name) == number), f"number-{number.hex()}")


def shortened(payload: bytes, key: DeskKey, knows: int) -> bytes:
    """A signed word as a compact one by this key. Raises WireError where it has no compact form."""
    body = unpack(open_envelope(payload).body)
    if not isinstance(body, dict) or body.get("type") not in _ACKNOWLEDGES:
        raise WireError("this word does not go by SMS")
    return key.sign_bytes(word_body(key.kid, body | {"knows": knows}))


def _findings(call: CompactCall, gateway: str, store: Store) -> list[dict[str, str]]:
    """What the numbers of findings mean, as far as the gateway told of them before."""
    rows = store.db.execute(
        "SELECT subject, payload, max(number) FROM events WHERE gateway=? AND lane=? AND type LIKE 'edge.finding.con%'"
        " GROUP BY subject",
        (gateway, Lane.FINDING.value),
    )
    told = {}
    for subject, payload, _ in rows:
        channel, _, kind = subject.rpartition(":")
        data = unpack(payload)
        sentence = text_of(data, "sentence", 200) if isinstance(data, dict) else ""
        told[finding_code(channel, kind)] = {"channel": channel, "kind": kind, "sentence": sentence}
    unknown = "a finding that the desk has not heard of yet"
    return [
        told.get(code, {"channel": f"number {code:08x}", "kind": "", "sentence": unknown}) for code in call.findings
    ]


def _event(call: CompactCall, gateway: str, at: float, findings: list[dict[str, str]]) -> DeskEvent:
    data: dict[str, Any] = {
        "request": uuid_text(call.request),
        "case": call.case,
        "trigger": call.trigger.value,
        "pressed_time": call.pressed_ms / 1000,
        "pressed_age_s": call.age_ds / 10,
        "clock_trusted": call.clock_trusted,
        "power": call.power.value,
        "consent": sorted(call.consent),
        "findings": findings,
        "compact": True,
    }
    return DeskEvent(
        gateway=gateway,
        kind=EventKind.HELP,
        lane=Lane.HELP,
        id=uuid_text(call.event),
        type=call.type,
        subject=call.case,
        sequence=call.sequence,
        boot_id="",
        uptime_s=None,
        wall=None,
        arrived=at,
        attributes={},
        payload=b"",
        readings=[],
        data=data,
    )
