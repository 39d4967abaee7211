"""The one arbiter of the lamp: it alone decides what is shown, and plays rhythm and tone."""

import asyncio
from collections.abc import Callable, Sequence
from math import inf

from edge_agent.core.errors import RefusedError
from edge_agent.core.lamp import ASSIST_BEGINS, ASSIST_ENDS, PATTERNS, Pattern, Shown, Tone
from edge_agent.core.light import Light
from edge_agent.core.ports import Indicator

# A reminder waits until it was shown for so long: no chirp at a restart or a reconnect.
SETTLED_S = 60.0
# What is looked at again, where quiet hours keep a reminder back.
LOOK_AGAIN_S = 60.0


class _Lamps:
    """Plays one Light on all lamps; one timer, nothing else."""

    def __init__(self, outputs: Sequence[Indicator]) -> None:
        self._outputs = outputs
        self._light = Light()
        self._told: tuple[bool, str] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def show(self, pattern: Pattern) -> None:
        self._light.show(pattern, asyncio.get_running_loop().time())
        self._tell()

    def assist(self, live: bool) -> None:
        self._light.assist(live, asyncio.get_running_loop().time())
        self._tell()

    def stop(self) -> None:
        self._light.dark()
        self._tell()

    def _step(self) -> None:
        self._light.step(asyncio.get_running_loop().time())
        self._tell()

    def _tell(self) -> None:
        """Tell the outputs what has changed, and come back when the next change is due."""
        now = (self._light.on, self._light.colour if self._light.on else "")
        if now != self._told:
            self._told = now
            for output in self._outputs:
                output.show(*now)
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._outputs and self._light.deadline < inf:
            self._timer = asyncio.get_running_loop().call_at(self._light.deadline, self._step)


class _Beeper:
    """Beeps once through a row of on and off times; a new row cuts the old one, unless that one has to be heard."""

    def __init__(self, outputs: Sequence[Indicator]) -> None:
        self._outputs = outputs
        self._timer: asyncio.TimerHandle | None = None
        self._protected = False
        self._next: tuple[int, ...] = ()

    def play(self, beeps_ms: tuple[int, ...], *, protected: bool = False) -> None:
        if self._timer and self._protected and not protected:
            self._next = beeps_ms
            return
        self._silence()
        if beeps_ms and self._outputs:
            self._protected = protected
            self._step(beeps_ms, 0)

    def stop(self) -> None:
        self._next = ()
        self._silence()

    def _silence(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._show(False)

    def _step(self, beeps_ms: tuple[int, ...], index: int) -> None:
        if index == len(beeps_ms):
            self._timer = None
            self._show(False)
            following, self._next = self._next, ()
            self.play(following)
            return
        self._show(index % 2 == 0)
        self._timer = asyncio.get_running_loop().call_later(beeps_ms[index] / 1000, self._step, beeps_ms, index + 1)

    def _show(self, on: bool) -> None:
        for output in self._outputs:
            output.show(on, "")


class Arbiter:
    """Owns lamps and buzzers. `on_change` is told of every new pattern; `may_remind` is whether no quiet hours are.

    `pattern` is what is true now (None: nothing, the lamp is dark), also while `play` shows another one.
    """

    def __init__(
        self,
        lamps: Sequence[Indicator],
        buzzers: Sequence[Indicator],
        on_change: Callable[[Pattern], None],
        may_remind: Callable[[], bool] = lambda: True,
    ) -> None:
        self._lamps = _Lamps(lamps)
        self._beeper = _Beeper(buzzers)
        self._on_change = on_change
        self._may_remind = may_remind
        self._again: asyncio.TimerHandle | None = None
        self._playing: asyncio.TimerHandle | None = None
        self._reminded_at = -inf
        self._assist = False
        self.pattern: Pattern | None = None

    def show(self, what: Shown) -> None:
        """Show this from now on; the same again changes nothing."""
        pattern = PATTERNS[what]
        if pattern is self.pattern:
            return
        self.pattern = pattern
        self._stop_timers()
        self._lamps.show(pattern)
        self._sound(pattern.tone)
        self._on_change(pattern)

    def assist(self, live: bool) -> None:
        """A helper is let in or has gone: marked over whatever shows, and told by a tone that nothing cuts short."""
        if live is self._assist:
            return
        self._assist = live
        self._lamps.assist(live)
        self._beeper.play((ASSIST_BEGINS if live else ASSIST_ENDS).beeps_ms, protected=True)

    def play(self, what: Shown, seconds: float) -> None:
        """Show a pattern as an example, without its tone, until the time is over or anything happens.

        Raises RefusedError while a case is open, just over, or a finger is on the button: then the lamp is needed.
        """
        if self.pattern not in (PATTERNS[Shown.READY], PATTERNS[Shown.NOT_READY]):
            raise RefusedError("the lamp has something to say now, so it shows no examples", code="lamp_busy")
        self._stop_example()
        self._lamps.show(PATTERNS[what])
        self._playing = asyncio.get_running_loop().call_later(seconds, self._played)

    def dark(self) -> None:
        """The agent stops: a dark lamp means that help cannot be called."""
        self._stop_timers()
        self._lamps.stop()
        self._beeper.stop()
        self.pattern = None

    def _stop_timers(self) -> None:
        self._stop_example()
        if self._again:
            self._again.cancel()
            self._again = None

    def _stop_example(self) -> None:
        if self._playing:
            self._playing.cancel()
            self._playing = None

    def _played(self) -> None:
        self._playing = None
        if self.pattern:
            self._lamps.show(self.pattern)

    def _sound(self, tone: Tone) -> None:
        if tone.reminder:
            self._beeper.play(())
            due_s = self._reminded_at + tone.every_s - asyncio.get_running_loop().time()
            self._later(max(due_s, SETTLED_S), self._remind, tone)
            return
        self._beep(tone, 1)

    def _beep(self, tone: Tone, nth: int) -> None:
        self._again = None
        self._beeper.play(tone.beeps_ms)
        if tone.times is None or nth < tone.times:
            self._later(tone.every_s, self._beep, tone, nth + 1)

    def _remind(self, tone: Tone) -> None:
        self._again = None
        if not self._may_remind():
            self._later(LOOK_AGAIN_S, self._remind, tone)
            return
        self._reminded_at = asyncio.get_running_loop().time()
        self._beeper.play(tone.beeps_ms)
        self._later(tone.every_s, self._remind, tone)

    def _later(self, seconds: float, call: Callable[..., None], *args: object) -> None:
        self._again = asyncio.get_running_loop().call_later(seconds, call, *args)
