"""The command that asks for what the desk lacks."""

import asyncio

import pytest

from edge_agent.core.command import DeskMessage
from edge_agent.core.errors import RefusedError, StoreError
from edge_agent.core.event import Lane
from edge_agent.services.resend import MAX_ASKED, MAX_COMMANDS, MAX_RANGES, RESEND, Resend


class Lanes:
    """A lane that holds what the test says."""

    def __init__(self, gone=(), error=None) -> None:
        self.gone, self.error = list(gone), error
        self.asked: list = []

    async def ask(self, first, last):
        self.asked.append((first, last))
        if self.error:
            raise self.error
        return self.gone


def message(type_=RESEND, **data) -> DeskMessage:
    return DeskMessage("id-1", type_, 0.0, None, {"lane": "telemetry", "first": 1, "last": 10} | data)


async def answers(lane, *messages):
    found, replies = [], []
    resend = Resend({Lane.TELEMETRY: lane}, found=found.append, on_reply=replies.append)
    for one in messages:
        assert resend.heard(one)
    task = asyncio.create_task(resend.run())
    async with asyncio.timeout(2.0):
        while len(replies) < len(messages):  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
    task.cancel()
    return found, replies


async def test_what_is_held_goes_and_what_is_gone_is_told():
    lane = Lanes(gone=[(1, 2), (7, 7)])
    found, replies = await answers(lane, message())
    assert lane.asked == [(1, 10)]
    assert found == [Lane.TELEMETRY]
    told = {"for": "id-1", "lane": "telemetry", "first": 1, "last": 10}
    assert replies == [{**told, "ok": True, "gone": [[1, 2], [7, 7]]}]


async def test_where_all_is_gone_nobody_is_woken():
    found, replies = await answers(Lanes(gone=[(1, 10)]), message())
    assert found == []
    assert replies[0]["gone"] == [[1, 10]]


async def test_many_holes_are_told_in_a_bounded_answer():
    _, replies = await answers(Lanes(gone=[(n, n) for n in range(1, 999, 2)]), message(last=1000))
    assert len(replies[0]["gone"]) == MAX_RANGES
    assert replies[0]["gone"][-1][1] == 997


async def test_a_disk_that_fails_is_an_answer_too():
    _, replies = await answers(Lanes(error=StoreError("cannot be read")), message())
    assert replies[0]["ok"] is False
    assert replies[0]["code"] == "store"


@pytest.mark.parametrize(
    "data",
    [
        {"lane": "help"},
        {"lane": 3},
        {"first": 0},
        {"first": 11},
        {"first": "1"},
        {"last": None},
        {"last": MAX_ASKED + 1},
        {"last": 2**70},
    ],
)
def test_what_makes_no_sense_is_refused(data):
    resend = Resend({Lane.TELEMETRY: Lanes()}, found=print, on_reply=print)
    with pytest.raises(RefusedError) as refused:
        resend.heard(message(**data))
    assert refused.value.code == "arguments"


def test_other_commands_are_for_others_and_too_many_are_refused():
    resend = Resend({Lane.TELEMETRY: Lanes()}, found=print, on_reply=print)
    assert not resend.heard(message("edge.help.received.v1"))
    for _ in range(MAX_COMMANDS):
        assert resend.heard(message())
    with pytest.raises(RefusedError) as refused:
        resend.heard(message())
    assert refused.value.code == "busy"
