"""Who listens for a survey of Bluetooth: the agent where one runs and listens, else the command itself."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Self

from edge_agent.config.load import load
from edge_agent.config.mistakes import ConfigProblems
from edge_agent.config.model import Ble
from edge_agent.control.client import Client, ControlError, ControlRefusedError
from edge_agent.control.types import BleSurvey
from edge_agent.drivers.registry import LANGUAGES
from edge_agent.survey.lasting import KEEP_S

if TYPE_CHECKING:
    from edge_agent.drivers.ble import BleDriver

ANSWER_S = 60.0  # a small computer that is busy imports what listens for some seconds
# A driver that found nobody for so long would restart the radio, which is the agent's to decide.
NEVER_S = 86_400.0
Look = Callable[[], BleSurvey]


@contextmanager
def ears(socket: str | None, file: str) -> Iterator[tuple[Look, str]]:
    """How to look at who is heard, and a sentence on who listens.

    Where the command does so itself, `file` is the configuration that says which adapter, and what is known. Raises
    ControlRefusedError where the agent says no; looking may raise ControlError.
    """
    client = Client(socket)
    try:
        told = client.survey_ble(KEEP_S)
    except ControlRefusedError:
        raise
    except ControlError as error:
        why = f"No agent listens ({error.args[0]})"
    else:
        if told.configured:
            yield partial(client.survey_ble, KEEP_S), "The agent listens."
            return
        why = "The agent has no Bluetooth device configured and does not listen"
    ble, noted = _configured(file)
    with _Alone(ble) as alone:
        yield alone.look, f"{why}: this command listens by itself{noted}."


def _configured(file: str) -> tuple[Ble, str]:
    try:
        return load(file, LANGUAGES).ble, ""
    except ConfigProblems:
        return Ble(), f", without {file}, which cannot be used" if os.path.exists(file) else ""  # noqa: PTH110 - no Path: it raises


class _Alone:
    """The agent's own driver without devices, in a thread: the command's own is busy with a person."""

    def __init__(self, ble: Ble) -> None:
        self._ble = ble
        self._named: Mapping[str, str] = {device.address.upper(): device.name for device in ble.device}
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._began = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self._began.wait(ANSWER_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._listening.cancel)
        self._thread.join(ANSWER_S)

    def look(self) -> BleSurvey:
        """Who was heard so far."""
        return asyncio.run_coroutine_threadsafe(self._look(), self._loop).result(ANSWER_S)

    async def _run(self) -> None:
        from edge_agent.view.survey import ble_survey  # noqa: PLC0415 - only where no agent listens

        self._loop, self._told = asyncio.get_running_loop(), ble_survey
        self._driver = _driver(self._ble)
        self._listening = asyncio.create_task(self._driver.run())
        self._began.set()
        await asyncio.wait({self._listening})

    async def _look(self) -> BleSurvey:
        self._driver.survey.prolong(KEEP_S, self._loop.time())
        return self._told(self._driver, self._named, self._loop.time())


def _driver(ble: Ble) -> "BleDriver":
    import structlog  # noqa: PLC0415 - only where no agent listens

    from edge_agent.drivers.ble import LOOK_AGAIN, BleDriver  # noqa: PLC0415 - bleak

    # what is wrong is told by the survey, once and in words
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("bleak").setLevel(logging.CRITICAL)
    passive = ble.scan == "passive"
    return BleDriver({}, adapter=ble.adapter, silence_s=NEVER_S, backoff=replace(LOOK_AGAIN), passive=passive)
