"""What every emitter is: one device's voice."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from edge_agent.core.reading import Value

Values = Mapping[str, Value]


class Emitter(ABC):
    """One device's voice. KEYS are what it can say (None: anything), REQUIRED what it cannot do without."""

    KEYS: ClassVar[frozenset[str] | None] = None
    REQUIRED: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def frame(self, values: Values, utc: datetime) -> bytes:
        """What the device sends for these values at this time; one whole frame, or several."""


class Answerer(Emitter):
    """A device that says nothing by itself: `frame` takes its values, `answer` what it is asked."""

    @abstractmethod
    def answer(self, data: bytes) -> bytes:
        """What comes back for these bytes; empty until a question has its end."""
