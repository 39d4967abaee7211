"""What the page adds to a survey: which language knows a device. The agent stays without all of them."""

import asyncio
import json

from edge_agent.console.web.relay import Reply
from edge_agent.control.types import BleSurvey, decode


async def judged(route: str, reply: Reply) -> Reply:
    """The reply, with who knows each device of a survey of Bluetooth; any other as it is."""
    if route != "survey/ble" or reply.status != 200:
        return reply
    return Reply(reply.status, await asyncio.to_thread(_known, reply.body))


def _known(body: bytes) -> bytes:
    from edge_agent.survey.knowing import plainly  # noqa: PLC0415 - all languages, some seconds on a small computer

    return json.dumps(plainly(decode(body, BleSurvey))).encode()
