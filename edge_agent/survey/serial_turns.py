"""At which settings a line is listened to, and for how long: all in turn, in rounds that grow, until one is sure.

Somebody who speaks is heard at any speed, as noise where it is the wrong one. So a setting is left as soon as whole
messages came that nobody understands; on a silent line, when its turn is over.
"""

from collections.abc import Iterator

from edge_agent.survey.serial_hearing import LIKELY_SHARE, MIN_BYTES, Candidate, Hearing, Setting
from firmware_bridges.trial import bauds

FIRST_S = 2.0
LIKELY = 2  # the first two settings have twice the time
# A line that speaks is waited for: the slowest meters push every ten seconds (DSMR before version 5).
ALIVE_S, LONGEST_S = 12.0, 30.0
# One who joins hears the end of a message first; the second is whole.
WHOLE_BURSTS = 2
# Without a pause: longer messages than this come at 115200 baud, and are over sooner (DSMR: 2 kB in 0.2 s).
ENOUGH_BYTES, ENOUGH_S = 1024, 2.0
# So many characters with a wrong stop bit are another speed's.
DAMAGED_SHARE, DAMAGED_BYTES = 0.2, 64
# Once it is sure, for its rate and its errors to be told.
LISTEN_ON_S = 10.0
# What MODBUS over Serial Line 1.02 (2.5.1) has as its own: even parity, 19200 or 9600. Heard as 8N1 it is noise.
_EVEN = (Setting(19_200, 8, "even"), Setting(9600, 8, "even"))


class Turns:
    """Decides at each look whether to stay at a setting. No I/O and no clock: `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._order = self._settings()
        self.setting, self._turn_s = next(self._order)
        self._alive = False
        self._last_burst_at: float | None = None
        self._longest_s = 0.0
        self._bursts = 0
        self._sure_at: float | None = None

    def is_done(self, now: float) -> bool:
        """Whether enough is known."""
        return self._sure_at is not None and now - self._sure_at >= LISTEN_ON_S

    def is_over(self, hearing: Hearing, candidates: list[Candidate], now: float) -> bool:
        """Whether to go on with another setting; `candidates` are the hearing's. Then comes `go_on`."""
        self._learn_rhythm(hearing)
        if any(each.sure for each in candidates):
            self._sure_at = self._sure_at or now
            return False
        self._sure_at = None
        gone_s, likely = now - hearing.began, any(each.score.share >= LIKELY_SHARE for each in candidates)
        if not likely and self._is_noise(hearing, now):
            return True
        return gone_s >= self._patience_s(likely=likely)

    def go_on(self) -> Setting:
        """The next setting."""
        self.setting, self._turn_s = next(self._order)
        self._bursts = 0
        return self.setting

    def _settings(self) -> Iterator[tuple[Setting, float]]:
        settings, turn_s = [Setting(baud) for baud in bauds()], FIRST_S
        while True:
            for place, setting in enumerate(settings):
                yield setting, turn_s * (2 if place < LIKELY else 1)
            if self._alive:
                for setting in _EVEN:
                    yield setting, turn_s
            turn_s = min(2 * turn_s, LONGEST_S)

    def _is_noise(self, hearing: Hearing, now: float) -> bool:
        if hearing.count >= DAMAGED_BYTES and hearing.damaged + hearing.breaks >= DAMAGED_SHARE * hearing.count:
            return True
        whole = hearing.bursts >= WHOLE_BURSTS and hearing.count >= MIN_BYTES and hearing.pauses(now)
        return whole or (hearing.count >= ENOUGH_BYTES and now - hearing.began >= ENOUGH_S)

    def _patience_s(self, *, likely: bool) -> float:
        if not self._alive:
            return self._turn_s
        rhythm_s = WHOLE_BURSTS * self._longest_s * (2 if likely else 1)
        return max(self._turn_s, min(max(ALIVE_S, rhythm_s), LONGEST_S))

    def _learn_rhythm(self, hearing: Hearing) -> None:
        """How long the line is silent at the most between two messages, whatever the speed."""
        self._alive |= hearing.count > 0
        if hearing.bursts > self._bursts:
            self._bursts = hearing.bursts
            assert hearing.last_at is not None
            if self._last_burst_at is not None:
                self._longest_s = max(self._longest_s, hearing.last_at - self._last_burst_at)
            self._last_burst_at = hearing.last_at
