"""The self-test as the console knows it."""

from edge_agent import __version__
from edge_agent.control import types
from edge_agent.core.clock import age_s
from edge_agent.core.selftest import overall
from edge_agent.examine import probed
from edge_agent.view.seen import Seen


class SelfTestView(Seen):
    """The last one, and beginning one."""

    __slots__ = ()

    def selftest(self) -> types.SelfTest:
        """The last one, or the one that runs."""
        made = self.examiner
        if made.begun is None:
            told = self.texts["selftest.never"]
            return types.SelfTest("never", "unknown", told, __version__, [], language=self.texts.language)
        verdict, now = overall(made.results), self.clock.now()
        key = "running" if made.running else verdict.value
        wrong = sum(result.found.verdict is verdict for result in made.results)
        return types.SelfTest(
            outcome="running" if made.running else "done",
            verdict=verdict.value,
            sentence=self.texts.say(f"selftest.{key}", n=wrong),
            version=__version__,
            results=[probed(result, self.texts) for result in made.results],
            planned=made.planned,
            ago_s=round(age_s(made.begun.monotonic, made.begun.boot_id, made.begun.wall, now), 1),
            seconds=made.seconds,
            language=self.texts.language,
        )

    async def start_selftest(self, ask: types.Examine) -> types.SelfTest:
        """Begin one."""
        self.examiner.start(round_trip=ask.round_trip)
        return self.selftest()
