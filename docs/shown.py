"""How a message stands on a page: its topic, its attributes, and its data as JSON."""  # noqa: INP001 - a script, in no package

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zlib import decompress

from nacl.signing import SigningKey

from docs.messages import GATEWAY, NOW
from edge_agent.core.event import Event
from edge_agent.core.ids import uuid7, uuid_text
from edge_agent.core.wire import ROOT, attributes, down_topic, open_envelope, unpack, up_topic
from simulators.desk.keys import DeskKey

# A minute of that boiler, deflated: given, not made, for another deflater may find other bytes.
DEFLATED = bytes.fromhex(
    "9202c45c789c9b3c757d527e664e6a915e41516a71716951eae2a4c4a2a5e989a5e9a99318ce0a77cc650a624080a9dba1aa"
    "d372f2cbe34b52730b528b124b40ba9c53739075319e654a47d6b713aaaf2815a83a0f9f4e0603247d00dbf9352e"
)
REQUEST = "01a0c450-6c00-773e-8d8f-ab5f5bdb99ec"
CASE = "XC5WNMX9"
KEY = DeskKey(SigningKey(bytes(range(32))), "main")


def plain(value: Any) -> Any:
    """Plain data as JSON can show it: bytes as hex."""
    if isinstance(value, bytes):
        return f"hex {value.hex()}"
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def lines(data: Mapping[str, Any]) -> str:
    """JSON, a key a line."""
    rows = [f"  {json.dumps(key)}: {json.dumps(plain(value), ensure_ascii=False)}" for key, value in data.items()]
    return "{\n" + ",\n".join(rows) + "\n}"


def fenced(language: str, text: str) -> str:
    """A block of code."""
    return f"```{language}\n{text}\n```\n"


def shown(topic: str, told: Mapping[str, str], payload: bytes, *, full: bool = False) -> str:
    """A message: its topic, with all attributes or only its type, and its data."""
    head = [topic, *(f"{name}: {value}" for name, value in told.items() if full or name == "type")]
    data = unpack(payload)
    body = lines(data) if isinstance(data, dict) else json.dumps(plain(data))
    return fenced("text", "\n".join(head)) + "\n" + fenced("json", body)


def said(event: Event, *, full: bool = False) -> str:
    """An event as it goes up."""
    told = attributes(event, GATEWAY, NOW, historical=False)
    return shown(up_topic(ROOT, GATEWAY, event.kind, event.name), told, event.payload, full=full)


def deflated(event: Event) -> str:
    """A longer block as it travels, and its columns."""
    _, columns = unpack(DEFLATED)
    return said(replace(event, payload=DEFLATED)) + "\n" + fenced("json", json.dumps(unpack(decompress(columns))))


def signed(request: str, case: str) -> bytes:
    """The desk's acknowledgement of a request, as it goes over the wire."""
    issued = int(NOW.wall)
    body = {
        "aud": GATEWAY,
        "iat": issued,
        "exp": issued + 600,
        "id": uuid_text(uuid7(NOW.wall, bytes(range(10)))),
        "sequence": 1,
        "type": "edge.help.received.v1",
        "event": request,
        "case": case,
        "through": 1,
        "reference": "SD-00001",
        "receiver": "service desk",
        "next_word_wall": issued + 600,
    }
    return KEY.sign(body)


def answer() -> str:
    """The signed answer, layer by layer."""
    envelope = open_envelope(signed(REQUEST, CASE))
    outer = {"kid": envelope.kid, "body": "(the bytes of the map below)", "sig": envelope.signature}
    topic = down_topic(ROOT, GATEWAY, "help")
    return "\n".join(
        (fenced("text", topic), fenced("json", lines(outer)), fenced("json", lines(unpack(envelope.body))))
    )


def down(what: str, data: Mapping[str, Any]) -> str:
    """What is of this type in a signed body, besides what every body has."""
    return fenced("json", lines({"type": f"edge.help.{what}.v1", "event": REQUEST, **data}))
