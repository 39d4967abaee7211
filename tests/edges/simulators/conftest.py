import asyncio

import pytest

from simulators.gpio.board import Board
from simulators.gpio.pins import SimulatedFactory


@pytest.fixture
async def board(tmp_path):
    async with Board(tmp_path / "gpio.sock", seed=7) as board:
        yield board


@pytest.fixture
async def factory(board, monkeypatch):
    monkeypatch.setenv("EDGE_SIM_GPIO", str(board.path))
    factory = SimulatedFactory()
    yield factory
    await asyncio.to_thread(factory.close)
