"""What goes with a case besides the request: by consent, seen in the desk's own hands."""

import asyncio
from pathlib import Path

from stage import QUICK_HELP, staged, until

from edge_agent.core import block
from edge_agent.core.consent import EVIDENCE
from edge_agent.core.wire import unpack
from simulators.desk.policy import Policy

FLOOD = Path(__file__).parent / "flood.toml"
# 10 s is the least that may be configured
SOON = QUICK_HELP | {"after_s": 10.0}
POLICY = Policy(received_after_s=0.2, engaged_after_s=0.5, resolved_after_s=None)


def pieces(stage):
    """The desk's evidence by part: subject and data."""
    found = {}
    for subject, payload in stage.desk._store.db.execute(
        "SELECT subject, payload FROM events WHERE type=? ORDER BY number", (EVIDENCE,)
    ):
        data = unpack(payload)
        found.setdefault(data["part"], []).append((subject, data))
    return found


async def test_the_desk_has_the_readings_before_and_after_the_log_the_self_test_and_the_freeze_frames():
    async with staged(scenario=FLOOD, policy=POLICY, help_timers=SOON) as stage:
        await asyncio.sleep(2.0)
        await stage.press()
        await stage.until_state("RECEIVED", "ENGAGED")
        await until(lambda: {"before", "freeze", "log", "selftest"} <= pieces(stage).keys())
        case = stage.case()
        found = pieces(stage)
        assert {subject for rows in found.values() for subject, _ in rows} == {case.code}
        assert {data["request"] for rows in found.values() for _, data in rows} == {case.request}
        before = [r for _, data in found["before"] for r in block.unpack(data["block"], 0.0)]
        assert len([r for r in before if r.channel.name == "boiler.pressure"]) >= 8
        lines = "".join(line for _, data in found["log"] for line in data["lines"])
        assert '"event": "ready"' in lines
        assert stage.desk.key.toml not in lines
        ((_, selftest),) = found["selftest"]
        assert ["help", True] in [part[:2] for part in selftest["parts"]]
        assert {verdict for _, verdict, _, _ in selftest["probes"]} <= {"warn", "fail", "not_run", "unknown"}
        assert "test" in [name for name, *_ in selftest["probes"]], "the desk is not asked while it is called"
        ((_, frozen),) = found["freeze"]
        (finding,) = frozen["findings"]
        assert finding["channel"] == "boiler.pressure"
        assert finding["freeze_frame"]
        await until(lambda: "after" in pieces(stage), 15.0)
        after = [r for _, data in pieces(stage)["after"] for r in block.unpack(data["block"], 0.0)]
        assert len([r for r in after if r.channel.name == "boiler.pressure"]) >= 35


async def test_without_consent_to_diagnostics_the_desk_gets_the_request_and_nothing_of_it():
    edit = lambda text: text.replace("diagnostics = true", "diagnostics = false")  # noqa: E731
    async with staged(scenario=FLOOD, policy=POLICY, help_timers=SOON, edit=edit) as stage:
        await stage.press()
        await stage.until_state("ENGAGED")
        await asyncio.sleep(3.0)
        assert pieces(stage) == {}
        assert not stage.log("evidence")
