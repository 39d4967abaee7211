"""The help service and the other ways together: also where the disk is dead and the event is only in memory."""

import asyncio
from contextlib import nullcontext
from pathlib import Path

import pytest
from services_scene import Scene, until

from edge_agent.core.compact import unpack_call
from edge_agent.core.health import Health
from edge_agent.core.mayday_table import ON_THE_WAY
from edge_agent.core.request import State
from edge_agent.services.fallback import FallBack


class Phone:
    name, resend_s, must_ask, health = "phone", 0.0, False, Health(True, "well")

    def __init__(self) -> None:
        self.calls: list[bytes] = []

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def send(self, event: object, compact: bytes) -> bytes | None:  # noqa: ARG002
        self.calls.append(compact)
        return None


@pytest.mark.parametrize("dead", [False, True])
async def test_the_call_goes_by_another_way_and_an_answer_ends_that(tmp_path: Path, dead: bool) -> None:
    async with Scene(tmp_path) as scene:
        service = FallBack(
            scene.clock,
            "gw",
            waiting=scene.help.waiting_event,
            asking=scene.help.asking_event,
            live=lambda: scene.help.live,
            connected=lambda: False,
            believe=lambda _: True,
            resend=lambda *_: 0.02,
        )
        phone = Phone()
        service.add([phone])
        serving = asyncio.create_task(service.serve(service.ways[0]))
        with scene.dead_disk() if dead else nullcontext():
            await scene.hold()
            await scene.later(0.1)
            service.start()
            await until(lambda: len(phone.calls) > 1)
            call, case = unpack_call(phone.calls[0]), scene.help.case
            assert case is not None
            assert (call.request, call.case) == (case.id, case.code)
            assert scene.help.health.ready is not dead
            # heard of in compact form: nothing is settled, the event itself is still to come
            await scene.says("received", knows=call.sequence)
            assert scene.state is State.RECEIVED
            service.look()
            await asyncio.sleep(0.05)
            count = len(phone.calls)
            await asyncio.sleep(0.1)
            assert len(phone.calls) == count
            assert "raised" in scene.pending()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_a_case_opened_again_is_acknowledged_by_a_word_that_knows_of_it_and_by_no_older_one(
    tmp_path: Path,
) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("resolved", through=scene.last_sequence())
        await scene.hold()
        assert scene.state in ON_THE_WAY
        await scene.says("received", knows=scene.last_sequence() - 1)
        assert scene.state in ON_THE_WAY
        await scene.says("received", knows=scene.last_sequence())
        assert scene.state is State.RECEIVED
        assert "reopened" in scene.pending()
