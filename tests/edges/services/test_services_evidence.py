"""Evidence with a help request: what goes, when, and that nothing goes without consent."""

from pathlib import Path

import pytest
from services_scene import HandClock, data_of

from edge_agent.config import model
from edge_agent.core import block
from edge_agent.core.consent import EVIDENCE, PURPOSES, Consent
from edge_agent.core.errors import StoreError
from edge_agent.core.event import EventKind, Lane
from edge_agent.core.reading import Channel, Reading
from edge_agent.core.recorder import Recorder
from edge_agent.core.request import HelpRequest, State, Trigger
from edge_agent.services import evidence
from edge_agent.services.events import EventMaker
from edge_agent.services.evidence import Evidence, Kept, Sources, Store
from edge_agent.store.outbox import Outbox

PRESSURE = Channel("boiler.pressure", "bar")
NOISE = Channel("boiler.noise")


class House:
    """A gateway with a real outbox. `tick` lets seconds pass, with a reading each."""

    def __init__(self, folder: Path, *, kept: Kept | None = None, quota_mb: float = 256.0) -> None:
        self.clock = HandClock()
        self.outbox = Outbox(folder, model.Outbox(quota_mb=quota_mb, segment_kb=16))
        self.recorder = Recorder(300.0)
        self.consent = True
        self.remembered: list[Kept] = []
        self.asked = 0
        self.packed = 0
        self.lines = ["{}"]
        self.case: HelpRequest | None = None
        self.events = EventMaker(self.clock)
        self.evidence = Evidence(
            self.clock,
            self.events,
            Store(self.outbox.append, self.commit, self._keep, self.remembered.append),
            Sources(self._readings, self._freeze, lambda: self.lines, self._selftest),
            allowed=lambda: self.consent,
            after_s=60.0,
            kept=kept or Kept(),
        )

    async def commit(self) -> None:
        await self.outbox.commit(Lane.FINDING)

    def _keep(self, sequences) -> None:
        self.outbox.keep(Lane.FINDING, sequences)

    async def _selftest(self):
        return {"parts": [["help", True, "well", ""]]}

    def _readings(self, since: float):
        return self.recorder.since(since)

    def _freeze(self):
        self.asked += 1
        return [{"channel": "boiler.pressure", "freeze_frame": [[1.0, 0.7]]}]

    async def tick(self, seconds: int, rate: int = 1) -> None:
        for _ in range(seconds):
            at = self.clock.monotonic
            self.recorder.keep([Reading(PRESSURE, 1.5, at + i / rate) for i in range(rate)])
            self.clock.monotonic += 1.0
        await self.evidence.look()

    async def moves(self, state: State) -> None:
        """The case comes into this state, and that is on disk."""
        now = self.clock.now()
        if self.case is None:
            self.case = HelpRequest(
                b"r" * 16, "XC5WNMX9", Trigger.MANUAL, state, now.monotonic, now.boot_id, now.wall, True
            )
        self.case = self.case.with_state(state, now.monotonic, now.boot_id, now.wall)
        self.evidence.case_changed(self.case, state)
        await self.evidence.look()

    def parts(self) -> dict[str, list]:
        """What is in the lane, by part."""
        found: dict[str, list] = {}
        for event in self.outbox.spool(Lane.FINDING).pending(0, 1000):
            if event.type == EVIDENCE:
                found.setdefault(data_of(event)["part"], []).append((event, data_of(event)))
        return found

    def readings(self, part: str) -> list[Reading]:
        return [r for event, data in self.parts().get(part, ()) for r in block.unpack(data["block"], event.at)]


@pytest.fixture
def house(tmp_path: Path):
    made = House(tmp_path)
    yield made
    made.outbox.close()


async def test_with_the_request_go_the_readings_before_and_a_minute_later_those_after(house):
    await house.tick(100)
    await house.moves(State.CANCEL_WINDOW)
    await house.tick(5)
    await house.moves(State.RAISED)
    assert house.parts() == {}, "the request goes first"
    await house.moves(State.DELIVERED)
    assert set(house.parts()) == {"before", "freeze", "log", "selftest"}
    assert [r.at for r in house.readings("before")] == [1000.0 + s for s in range(105)]
    for _, data in [row for rows in house.parts().values() for row in rows]:
        assert (data["case"], data["request"]) == ("XC5WNMX9", "72727272-7272-7272-7272-727272727272")
    await house.tick(59)
    assert "after" not in house.parts()
    await house.tick(20)
    assert [r.at for r in house.readings("after")] == [1105.0 + s for s in range(60)]
    await house.tick(300)
    assert len(house.parts()["after"]) == 1
    ((_, log),) = house.parts()["log"]
    assert log["lines"] == ["{}"]


async def test_a_request_that_cannot_leave_holds_evidence_up_for_no_longer_than_its_head_start(house):
    await house.tick(10)
    await house.moves(State.SENDING)
    await house.tick(4)
    assert house.parts() == {}
    await house.tick(1)
    assert len(house.readings("before")) == 10


async def test_without_consent_nothing_is_packed_and_when_it_comes_it_goes_with_the_readings_of_then(house):
    house.consent = False
    await house.tick(50)
    await house.moves(State.QUEUED)
    await house.tick(200)
    assert house.parts() == {}
    assert house.asked == 0
    house.consent = True
    await house.tick(1)
    assert [r.at for r in house.readings("before")] == [1000.0 + s for s in range(50)]
    await house.tick(1)
    assert [r.at for r in house.readings("after")] == [1050.0 + s for s in range(60)]


async def test_consent_that_comes_when_the_case_is_over_lets_nothing_out(house):
    house.consent = False
    await house.tick(50)
    await house.moves(State.RECEIVED)
    await house.moves(State.RESOLVED)
    house.consent = True
    await house.tick(100)
    assert house.parts() == {}


async def test_a_cancelled_request_that_was_never_raised_brings_nothing(house):
    await house.tick(50)
    await house.moves(State.CANCEL_WINDOW)
    await house.tick(5)
    await house.moves(State.CANCELLED)
    await house.tick(100)
    assert house.parts() == {}


async def test_a_full_recorder_goes_in_messages_that_every_broker_takes(house):
    await house.tick(300, rate=100)
    house.lines = ["x" * 400] * 200
    await house.moves(State.DELIVERED)
    sent = [event for rows in house.parts().values() for event, _ in rows]
    assert max(len(event.payload) for event in sent) < 50 * 1024
    assert len(house.readings("before")) == 30_000
    assert sum(len(data["lines"]) for _, data in house.parts()["log"]) == 200
    assert len(house.parts()["log"]) == 2


async def test_what_is_too_much_leaves_the_oldest_out(house, monkeypatch):
    monkeypatch.setattr(evidence, "MAX_STAGE_BYTES", 800)
    await house.tick(300, rate=20)
    await house.moves(State.DELIVERED)
    kept = house.readings("before")
    assert 0 < len(kept) < 6000
    assert max(r.at for r in kept) > house.clock.monotonic - 1.0


async def test_after_a_restart_the_rest_is_told_again_without_the_readings_that_are_gone(tmp_path):
    house = House(tmp_path)
    now = house.clock.now()
    house.case = HelpRequest(b"r" * 16, "XC5WNMX9", Trigger.MANUAL, State.QUEUED, 5.0, now.boot_id, 0.0, True)
    await house.tick(10)
    await house.moves(State.QUEUED)
    await house.tick(100)
    assert set(house.parts()) == {"freeze", "log", "selftest"}
    house.outbox.close()


async def test_a_case_that_is_opened_again_brings_what_was_before_that(house):
    await house.tick(10)
    await house.moves(State.DELIVERED)
    await house.moves(State.RESOLVED)
    await house.tick(10)
    await house.moves(State.DELIVERED)
    assert len(house.parts()["before"]) == 2


async def test_want_of_space_takes_findings_before_the_evidence_of_an_open_case_and_then_that_too(tmp_path):
    house = House(tmp_path, quota_mb=0.25)
    await house.tick(100)
    await house.moves(State.DELIVERED)
    mine = {event.sequence for rows in house.parts().values() for event, _ in rows}
    assert house.remembered[-1].sequences == tuple(sorted(mine))
    for number in range(100):
        house.outbox.append(house.events.make(EventKind.FINDING, "confirmed", f"x{number}", {"x": bytes(2000)}))
        await house.commit()
    there = {event.sequence for event in house.outbox.spool(Lane.FINDING).pending(0, 1000)}
    assert mine <= there
    assert len(there) < 60, "others had to go"
    house.outbox.close()
    # nor does a restart make it forget
    house = House(tmp_path, kept=house.remembered[-1], quota_mb=0.25)
    for number in range(100):
        house.outbox.append(house.events.make(EventKind.FINDING, "confirmed", f"y{number}", {"x": bytes(2000)}))
        await house.commit()
    assert mine <= {event.sequence for event in house.outbox.spool(Lane.FINDING).pending(0, 1000)}
    await house.tick(61)  # no open case was found
    assert house.remembered[-1] == Kept()
    for number in range(100):
        house.outbox.append(house.events.make(EventKind.FINDING, "confirmed", f"z{number}", {"x": bytes(2000)}))
        await house.commit()
    assert not mine & {event.sequence for event in house.outbox.spool(Lane.FINDING).pending(0, 1000)}
    house.outbox.close()


async def test_a_disk_that_refuses_loses_nothing_of_the_case_but_the_evidence(house):
    async def refuse() -> None:
        raise StoreError("the card is gone")

    house.evidence._store = house.evidence._store._replace(commit=refuse)
    await house.tick(10)
    await house.moves(State.DELIVERED)
    await house.commit()
    assert len(house.readings("before")) == 10


def test_evidence_leaves_by_consent_to_diagnostics_alone(house):
    event = house.events.make(EventKind.FINDING, "evidence", "XC5WNMX9", {})
    assert event.type == EVIDENCE
    assert Consent(frozenset({"diagnostics"})).lets_out(event)
    assert not Consent(frozenset(PURPOSES) - {"diagnostics"}).lets_out(event)


@pytest.mark.parametrize("plain", [None, {}, [1, []], ["x", [1.5]], ["x"]])
def test_what_is_no_list_of_what_is_kept_is_refused(plain):
    with pytest.raises(ValueError, match="not a list"):
        Kept.from_record(plain)
