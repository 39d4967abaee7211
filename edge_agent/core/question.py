"""What the desk asks in a case: a question waits for an answer until its time is over. Values only.

Questions queue: the first one is asked, the others wait behind it, so that a press that was meant for one can never
become the answer to another. One about how hard it was to get help (`effort`) comes after the end, to the console
alone.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from edge_agent.core.clock import Instant, passed_s

# More than a helper asks at once; one beyond it is told to have expired.
MAX_WAITING = 5
MAX_OPTIONS = 6
MAX_ID = 64
# The button answers for an hour at the most; who is asked how it was may think about it for a week.
MAX_LIFE_S = 3600.0
MAX_EFFORT_LIFE_S = 7 * 86400.0


class Purpose(StrEnum):
    """What an answer does besides being sent: yes to `cancel` cancels the case, yes to `page` opens the page on site.

    Yes to `normal` teaches that what a finding is about is normal here. `effort` is asked after the end.
    """

    TALK = ""
    EFFORT = "effort"
    CANCEL = "cancel"
    CONSENT = "consent"
    PAGE = "page"
    NORMAL = "normal"


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the desk. Without `options` the answer is yes or no.

    `at`, `boot_id`, `wall` and `trusted` are the clocks when it came, `expires_s` how long it waits from then on.
    `about` is the finding that it is about (`channel:kind`), where it is about one.
    """

    id: str
    text: str
    expires_s: float
    at: float
    boot_id: str
    wall: float
    trusted: bool = False
    options: tuple[str, ...] = ()
    purpose: Purpose = Purpose.TALK
    about: str = ""

    @property
    def answers(self) -> tuple[str, ...]:
        """What may be answered."""
        return self.options or ("yes", "no")

    @property
    def on_button(self) -> bool:
        """Whether the button answers it."""
        return not self.options and self.purpose is not Purpose.EFFORT

    def left_s(self, now: Instant) -> float:
        """How long it waits yet; all of its time where no clock tells how long it has waited."""
        return self.expires_s - passed_s(self.at, self.boot_id, self.wall, now, trusted=self.trusted)

    def record(self) -> dict[str, Any]:
        """Plain data for the store; `from_record` reads it back."""
        return {
            "id": self.id,
            "text": self.text,
            "expires_s": self.expires_s,
            "at": self.at,
            "boot_id": self.boot_id,
            "wall": self.wall,
            "trusted": self.trusted,
            "options": list(self.options),
            "purpose": self.purpose.value,
            "about": self.about,
        }

    @classmethod
    def from_record(cls, plain: dict[str, Any]) -> "Question":
        """A question from the store; fields of later versions are ignored.

        Raises KeyError, TypeError or ValueError when it is none.
        """
        found = {"about": "", **plain}
        found = {field.name: found[field.name] for field in fields(cls)}
        found["options"], found["purpose"] = tuple(map(str, plain["options"])), Purpose(plain["purpose"])
        return cls(**found)
