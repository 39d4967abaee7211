"""One lane as the drain sees it: what of its spool is looked at, on its way, resting, and still to be saved."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from edge_agent.core.event import Event
from edge_agent.core.ports import Spool
from edge_agent.uplink.parts import Piece, cut

# So many events may be half over; there is one as a rule.
MAX_BEGUN = 100


@dataclass(slots=True)
class LaneQueue:
    """A spool and how far this link is with it.

    `refusals` counts rests in a row, `tries` refusals by event. `flying` are sequence and part of what is on its way;
    `landed` the parts of an event that the broker has: they outlive a link, so that a link that never stands for long
    brings an event of many parts over all the same.
    """

    spool: Spool
    flying: set[tuple[int, int]] = field(default_factory=set)
    rests_until: float = 0.0
    refusals: int = 0
    tries: Counter[bytes] = field(default_factory=Counter)
    unsaved: int = 0
    save_at: float | None = None
    saving: bool = False
    landed: dict[bytes, set[int]] = field(default_factory=dict)
    _events: deque[Event] = field(default_factory=deque)
    _pieces: deque[Piece] = field(default_factory=deque)
    _after: int = 0
    _dry: bool = False

    def restart(self) -> None:
        """A new link: nothing is on its way, and nobody rests."""
        self.flying.clear()
        self._pieces.clear()
        if len(self.landed) > MAX_BEGUN:
            self.landed.clear()  # begun and dropped for space, again and again: parts may come twice
        self.rests_until = 0.0
        self.rewind()

    def rewind(self) -> None:
        """Look at the spool from its start again; what is on its way is passed over."""
        if self._pieces and not self._begun(self._pieces[0].event):
            self._pieces.clear()
        self._events.clear()
        self._after, self._dry = 0, False

    def fill(self, limit: int) -> bool:
        """Whether there is anything to send; looks at up to `limit` events of the spool. Raises StoreError."""
        while not self._pieces and not self._events and not self._dry:
            found = self.spool.pending(self._after, limit)
            self._dry = not found
            if found:
                self._after = found[-1].sequence
                flying = {sequence for sequence, _ in self.flying}
                self._events.extend(event for event in found if event.sequence not in flying)
        return bool(self._pieces or self._events)

    def head(self, in_parts: Callable[[Event], bool]) -> Piece:
        """What goes next, after `fill` said that there is something; `in_parts` says of an event whether to cut it."""
        if not self._pieces:
            event = self._events.popleft()
            if event.id in self.landed or in_parts(event):
                have = self.landed.setdefault(event.id, set())
                self._pieces.extend(piece for piece in cut(event) if piece.part not in have)
            else:
                self._pieces.append(Piece(event))
        return self._pieces[0]

    def take(self) -> Piece:
        """The head goes on its way."""
        piece = self._pieces.popleft()
        self.flying.add((piece.event.sequence, piece.part))
        return piece

    def arrived(self, piece: Piece) -> bool:
        """The broker has this piece. Whether it has all of the event now."""
        if piece.parts == 1:
            return True
        have = self.landed.get(piece.event.id)
        if have is None:
            return False  # of an earlier link, and done with since
        have.add(piece.part)
        if len(have) == piece.parts:
            return True
        if not self._pieces and all(sequence != piece.event.sequence for sequence, _ in self.flying):
            self.rewind()  # a part was refused meanwhile: it is looked for again
        return False

    def done(self, event: Event) -> None:
        """Nothing more is sent of this event."""
        self.landed.pop(event.id, None)
        self.tries.pop(event.id, None)
        if self._pieces and self._pieces[0].event.id == event.id:
            self._pieces.clear()

    def again(self, piece: Piece) -> None:
        """This piece did not get through: its event is looked at again, after what is on its way."""
        if self._pieces and self._pieces[0].event.id == piece.event.id:
            self._pieces.clear()
        self.rewind()

    def _begun(self, event: Event) -> bool:
        return event.id in self.landed
