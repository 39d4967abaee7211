"""The segment log against a model of what it promises, in steps that Hypothesis chooses."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edge_agent.core.event import Event, EventKind, Lane
from edge_agent.store.frames import MAX_SPANS
from edge_agent.store.log import SegmentLog
from edge_agent.store.look import _log as look_at


class LogMachine(RuleBasedStateMachine):
    """Append, commit, release, crash: sequences without gap, nothing committed lost, nothing released back for good."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="edge-log-"))
        self.runner = asyncio.Runner()
        self.count = 0
        self.fresh: list[Event] = []
        self.waiting: dict[int, Event] = {}  # committed, not released
        self.released: dict[int, Event] = {}  # since the last commit
        self.committed = 0
        self.draft: Event | None = None
        self.drafted: Event | None = None  # on disk
        self.open()

    def open(self) -> None:
        self.log = SegmentLog(self.folder, Lane.TELEMETRY, segment_bytes=16 * 1024)

    @rule(count=st.integers(1, 40), size=st.sampled_from([0, 10, 1000, 5000, 40_000]))
    def append(self, count: int, size: int) -> None:
        for _ in range(1 if size > 5000 else count):
            self.count += 1
            ident = self.count.to_bytes(16, "big")
            event = Event(ident, EventKind.TELEMETRY, "t", "s", float(self.count), "b", ident[-1:] * size)
            stored = self.log.append(event)
            assert stored.sequence == self.committed + len(self.fresh) + 1
            self.fresh.append(stored)
            self.draft = None

    @rule(size=st.sampled_from([0, 1000, 40_000]))
    def draft_of_the_next(self, size: int) -> None:
        self.count += 1
        ident = self.count.to_bytes(16, "big")
        draft = Event(ident, EventKind.TELEMETRY, "t", "s", float(self.count), "b", b"d" * size)
        self.log.draft(draft)
        self.draft = draft.with_sequence(self.committed + len(self.fresh) + 1)

    @rule()
    def commit(self) -> None:
        self.runner.run(self.log.commit())
        self.waiting.update((event.sequence, event) for event in self.fresh)
        self.committed += len(self.fresh)
        self.fresh.clear()
        self.released.clear()
        self.drafted = self.draft

    @rule(every=st.integers(1, 4), share=st.floats(0, 1))
    def release(self, every: int, share: float) -> None:
        events = list(self.waiting.values())
        for event in events[: int(len(events) * share)][::-1][::every]:
            self.log.release(event)
            self.released[event.sequence] = self.waiting.pop(event.sequence)

    @rule()
    def crash(self) -> None:
        self.log.close()  # writes nothing
        self.fresh.clear()
        self.open()
        assert not self.log.problems
        assert not self.log.quarantined_bytes
        if self.drafted is not None:
            self.committed += 1
            self.waiting[self.drafted.sequence] = self.drafted
        self.draft = self.drafted = None
        back = {event.sequence: event for event in self.log.pending(0, 10**6)}
        assert back == self.waiting | self.released or self.many_spans(back)
        self.waiting = back
        self.released.clear()

    def many_spans(self, back: dict[int, Event]) -> bool:
        """With more spans than a cursor frame holds, released events above them may come again, and only those."""
        more = back.keys() - self.waiting.keys() - self.released.keys()
        below = [s for s in range(1, self.committed + 1) if s not in self.waiting and s not in more]
        spans = sum(1 for s in below if s + 1 not in below)
        return (self.waiting | self.released).items() <= back.items() and spans >= MAX_SPANS

    @invariant()
    def what_waits_is_pending(self) -> None:
        if hasattr(self, "log"):
            assert self.log.pending(0, 10**6) == list(self.waiting.values())
            depth = self.log.depth()
            everything = [*self.waiting.values(), *self.fresh]
            assert depth.events == len(everything)
            assert depth.bytes == sum(len(event.payload) for event in everything)
            assert depth.oldest_at == (everything[0].at if everything else None)

    def teardown(self) -> None:
        self.log.close()
        assert look_at(self.folder, Lane.TELEMETRY).next == self.committed + 1 + (self.drafted is not None)
        self.runner.close()
        shutil.rmtree(self.folder)


LogMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
test_the_log_keeps_its_promises_whatever_happens = LogMachine.TestCase
