"""What becomes of a finding: the record of it goes to the service by consent, and of some of it a person is told.

Every finding that stands for itself travels as it is confirmed and cleared. A notice is for a person: at once where it
is a matter of safety or calls for help, else within the budget of core.notices.
"""

from collections.abc import Callable, Sequence

from edge_agent.core.clock import Instant
from edge_agent.core.event import EventKind
from edge_agent.core.finding import Finding, FindingState, Severity
from edge_agent.core.notices import Notice, Notices
from edge_agent.core.ports import Clock
from edge_agent.services.events import EventMaker
from edge_agent.services.frames import Frames
from edge_agent.services.post import Post
from edge_agent.services.register import Register
from edge_agent.services.watch import plain
from edge_agent.texts import Texts

PAGE, ROW = "notices", "state"
# A notice names so many findings, and counts the rest.
MOST_NAMED = 5


class Telling:
    """Listens to the register. `notice` is called with each notice and its sentence."""

    def __init__(
        self,
        clock: Clock,
        events: EventMaker,
        post: Post,
        register: Register,
        frames: Frames,
        texts: Texts,
        allows: Callable[[EventKind], bool],
        notice: Callable[[Notice, str], None] = lambda _notice, _sentence: None,
    ) -> None:
        self._clock = clock
        self._events = events
        self._post = post
        self._register = register
        self._frames = frames
        self._texts = texts
        self._allows = allows
        self._notice = notice
        self.notices = self._resumed()
        # of each finding the occurrence that was seen, so that one which is told in other words is not a new one
        self._seen = {f.key: f.id for f in register.findings() if f.stands and not f.cause}

    def see(self, finding: Finding) -> None:
        """A finding changed."""
        frame = self._frames.freeze(finding)
        if finding.state is FindingState.PENDING:
            return
        if not finding.cause:
            what = "confirmed" if finding.stands else "cleared"
            self._send(what, finding.key, plain(finding) | {"freeze_frame": frame})
        self._weigh(finding)

    def tick(self, now: Instant) -> None:
        """Time went on: what came behind a finding, what is not shelved any more, and what a person is to be told."""
        self._frames.tick(now.monotonic)
        for finding in self._register.unshelved():
            if finding.stands:
                self._weigh(finding, again=True)
        for key in self.notices.fresh:
            waiting = self._register.before(key)
            if waiting is None or not self._matters(waiting):
                self.notices.withdraw(key)  # it was explained meanwhile
        notice = self.notices.due(now)
        if notice is not None:
            self._tell(notice)

    def know(self, key: str) -> None:
        """A person has dealt with this finding: no notice tells of it."""
        self.notices.drop(key)
        self._keep()

    def _weigh(self, finding: Finding, *, again: bool = False) -> None:
        if not self._matters(finding):
            self.notices.withdraw(finding.key)
            if not finding.stands:
                self._seen.pop(finding.key, None)
            self._keep()
            return
        if self._seen.get(finding.key) == finding.id and not again:
            return
        self._seen[finding.key] = finding.id
        if finding.severity is Severity.ALARM or self._register.calls_for_help(finding):
            self._tell(Notice((finding.key,), safety=True))
        else:
            self.notices.offer(finding.key, self._clock.now())
            self._keep()

    def _matters(self, finding: Finding) -> bool:
        return finding.stands and not finding.cause and not self._register.shelved(finding.key)

    def _tell(self, notice: Notice) -> None:
        found = [f for f in map(self._register.before, notice.keys) if f is not None]
        standing = sorted((f for f in found if self._matters(f)), key=lambda f: -f.severity.gravity)
        sentence = self._sentence(notice, standing, len(notice.keys) - len(standing))
        data = {
            "sentence": sentence,
            "findings": list(notice.keys),
            "severity": (standing[0].severity if standing else Severity.NOTICE).value,
            "digest": notice.digest,
            "safety": notice.safety,
        }
        self._send("notice", notice.keys[0], data)
        self._notice(notice, sentence)
        self._keep()

    def _sentence(self, notice: Notice, standing: Sequence[Finding], over: int) -> str:
        say, named = self._texts.say, [f.sentence for f in standing[:MOST_NAMED]]
        said = [*named]
        if notice.digest:
            said.insert(0, say("notice.digest"))
        elif len(standing) > 1:
            said.insert(0, say("notice.several", n=len(standing)))
        if len(standing) > MOST_NAMED:
            said.append(say("notice.more", n=len(standing) - MOST_NAMED))
        if over:
            said.append(say("notice.over" if over == 1 else "notice.overs", n=over))
        return " ".join(said)

    def _send(self, what: str, subject: str, data: dict[str, object]) -> None:
        if self._allows(EventKind.FINDING):
            self._post.put(self._events.make(EventKind.FINDING, what, subject, data))

    def _resumed(self) -> Notices:
        """What was not told before a restart is offered again."""
        plain_ = self._register.book.page(PAGE).get(ROW)
        try:
            return Notices.from_record(plain_, self._clock.now()) if plain_ else Notices()
        except (KeyError, TypeError, ValueError):
            return Notices()

    def _keep(self) -> None:
        self._register.book.write(PAGE, ROW, self.notices.record())
