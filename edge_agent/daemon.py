"""The process: configuration, log, signals, exit codes. What `edge-agent run` does once it is imported."""

import asyncio
import signal
import sys

import structlog

from edge_agent import logs, settings
from edge_agent.app import Agent
from edge_agent.config.load import load
from edge_agent.config.mistakes import ConfigProblems
from edge_agent.config.model import Config
from edge_agent.core.errors import AgentError
from edge_agent.drivers.registry import LANGUAGES
from edge_agent.systemclock import Loop

_log = structlog.get_logger("agent")


def main(path: str) -> int:
    """The daemon. 0: stopped; 1: a vital part failed; 2: it could not start."""
    try:
        config = load(path, LANGUAGES)
    except ConfigProblems as problems:
        sys.stderr.write(f"{problems}\n")
        return 2
    logs.configure(config.log.level, config.log.format, settings.secrets(config))
    try:
        with asyncio.Runner(loop_factory=Loop) as runner:
            return runner.run(_live(config))
    except AgentError as error:
        _log.error("cannot_start", error=error.args[0], fix=error.fix)
        return 2


async def _live(config: Config) -> int:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    agent = Agent(config)
    try:
        await agent.run(stop)
    except BaseExceptionGroup as group:
        # the end: systemd starts the agent again, with its state
        for error in group.exceptions:
            _log.error("vital_part_failed", error=repr(error), exc_info=error)
        return 1
    return 0
