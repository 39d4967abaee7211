"""An agent that may die at any time, by a kill or with its disk's power, and be started anew; its lives are kept."""

import asyncio
import random
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from edge_agent.core.errors import LinkError
from simulators.rhythms import DARK
from tests.torture.powerdisk import PowerDisk, make_image, power_disk
from tests.torture.struck import Aim
from tests.torture.truth import LATE_S, Life, Truth

sys.path.insert(0, str(Path(__file__).parents[1] / "system"))
from stage import Stage, staged, until

__all__ = ["HOLD_S", "Mortal", "Stage", "staged", "until"]

HOLD_S = 1.0
NAP_S, LATER = 0.02, 3.0


class Mortal:
    """`stage` is not started yet; with a folder for `images` the disk loses power where the agent dies."""

    def __init__(self, stage: Stage, images: Path | None) -> None:
        self.stage = stage
        self.truth = Truth(HOLD_S)
        self.chance = random.Random(0)
        self.deaths = 0
        self._images = images
        self._disks = ExitStack()
        self._disk: PowerDisk | None = None
        self._text = stage.agent.config.read_text()
        self._overslept_s = 0.0
        if images is not None:
            make_image(images / "disk.img")

    async def up(self, aim: Aim, timers: str, tables: str = "") -> bool:
        """Start the agent, with these lines more under [help] and these tables; False: it died before it spoke."""
        text = self._text.replace("[help]\n", f"[help]\n{timers}\n") + tables
        if self._images is not None:
            disk = await asyncio.to_thread(self._disks.enter_context, power_disk(self._images / "disk.img"))
            self._disk = disk
            text = text.replace(f"{self.stage.folder}/state", f"{disk.folder}/state")
        self.stage.agent.config.write_text(text)
        aim.write(self.stage.folder)
        self.stage.agent.log.unlink(missing_ok=True)
        self._overslept_s = 0.0
        self.truth.lives.append(Life(time.monotonic()))
        try:
            await self.stage.agent.start()
        except LinkError:
            if await self.stage.agent.ended() != -signal.SIGKILL:
                raise
            return False
        return True

    async def down(self) -> None:
        """It is dead, or is killed now; and where the power is cut, the disk forgets what was not flushed."""
        self.stage.agent.kill()
        await self.stage.agent.ended()
        life = self.truth.lives[-1]
        life.ended = time.monotonic()
        if self._disk is not None and self._images is not None:
            after = self._images / "after.img"
            seed = self.chance.randrange(1 << 30)
            await asyncio.to_thread(self._disk.cut, time.monotonic_ns(), seed, after)
            await asyncio.to_thread(self._disks.close)
            after.replace(self._images / "disk.img")
            self._disk = None
        self.deaths += 1
        await asyncio.sleep(0.02)  # the board sees that it hung up
        self.look()

    def look(self) -> None:
        """What the lamp said in this life, and what the life found on disk."""
        life = self.truth.lives[-1]
        life.late_s = LATE_S + LATER * self._overslept_s
        life.lamp = [(life.began, DARK), *(each for each in self.stage.world.lamp_history if each.at > life.began)]
        lines = self.stage.log()
        life.found = next((line["state"] for line in lines if line.get("event") == "case_resumed"), "")
        life.told = [line["state"] for line in lines if line.get("event") == "help"]

    async def close(self) -> None:
        """No agent, no disk."""
        self.stage.agent.kill()
        await self.stage.agent.ended()
        await asyncio.to_thread(self._disks.close)

    async def watch(self) -> None:
        """How late this computer is: the agent, which competes with more, is later still."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(NAP_S)
            self._overslept_s = max(self._overslept_s, time.monotonic() - before - NAP_S)
