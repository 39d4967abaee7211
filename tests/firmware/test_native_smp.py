"""The management protocol through the native link: smpclient, as the README has it, and the firmware in QEMU."""

import re
from pathlib import Path
from typing import Any

import pytest

from simulators.firmware import Board, missing
from tests.firmware.native_frames import NATIVE

TRANSPORT = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


async def test_smpclient_reaches_the_firmware_through_the_link(tmp_path: Path) -> None:
    if lacking := missing():
        pytest.skip(f"the firmware is not built and not run: {lacking} is missing; run make tools")
    smpclient = pytest.importorskip("smpclient", reason="no smpclient: run make install")
    from smpclient.generics import success  # noqa: PLC0415
    from smpclient.requests.os_management import EchoWrite, ResetWrite  # noqa: PLC0415

    (shown,) = TRANSPORT.findall((NATIVE / "README.md").read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    exec(shown, names)  # what the page shows
    async with Board(tmp_path / "panel") as board:
        await board.run(0.2)
        client = smpclient.SMPClient(names["NativeTransport"](), str(tmp_path / "panel"))
        async with client:
            said = await client.request(EchoWrite(d="is anybody there?"))
            assert success(said)
            assert said.r == "is anybody there?"
            await board.run(0.5)
            before = board.uptime_s
            assert success(await client.request(ResetWrite()))
            await board.run(0.0)
            assert board.uptime_s is not None
            assert before is not None
            assert board.uptime_s < before, "it started anew"
