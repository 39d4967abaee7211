"""What the page adds to a survey: which language knows a device. The agent stays without all of them."""

import asyncio
import json
from importlib import import_module

from edge_agent.console.web.relay import Reply
from edge_agent.control.types import BleSurvey, decode


async def judged(route: str, reply: Reply) -> Reply:
    """The reply, with who knows each device of a survey of Bluetooth; any other as it is."""
    if route != "survey/ble" or reply.status != 200:
        return reply
    return Reply(reply.status, await asyncio.to_thread(_known, reply.body))


def _known(body: bytes) -> bytes:
    # all languages are imported for the first one, some seconds on a small computer
    knowing = import_module("edge_agent.survey.knowing")
    return json.dumps(knowing.plainly(decode(body, BleSurvey))).encode()
