"""Presence: what the desk sees of this gateway while nothing happens: birth, heartbeat, and the last word.

Nothing here is stored: a heartbeat that could not be sent has nothing to say later.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from edge_agent.core.consent import Consent
from edge_agent.core.errors import LinkError, LinkRefusedError
from edge_agent.core.event import Event, EventKind
from edge_agent.core.ids import uuid7, uuid_text
from edge_agent.core.ports import Clock, Link
from edge_agent.core.request import HelpRequest
from edge_agent.core.wire import attributes, pack, up_topic
from edge_agent.uplink.connection import Will

# A birth names at most this many open cases; there is one, hardly ever two.
MAX_CASES = 10
# A heartbeat that is older than so many intervals is not delivered any more.
HEARTBEAT_LIVES = 3


class Presence:
    """`run` speaks while a link is up; `will` and `farewell` go to the uplink.

    Topics below `up`: `state` (retained: `{"status": "here" | "gone" | "stopped" | "off by choice"}`), `state/birth`
    (retained), `state/heartbeat`. Without consent to `help_ready` only a birth with open cases leaves.
    `cases` are the open requests, `help_sequence` the newest sequence of the help lane, `last_down` the newest that
    the desk sent: by these the desk sees what it lacks, and sends again what this gateway lacks. `challenge` is a
    number that the desk signs where this gateway does not know the time.
    """

    def __init__(
        self,
        gateway: str,
        root: str,
        *,
        clock: Clock,
        consent: Callable[[], Consent],
        cases: Callable[[], Sequence[HelpRequest]] = tuple,
        help_sequence: Callable[[], int] = lambda: 0,
        last_down: Callable[[], int] = lambda: 0,
        challenge: Callable[[], str] = str,
        heartbeat_s: float = 60.0,
        version: str = "",
        site: str = "",
    ) -> None:
        self._gateway = gateway
        self._root = root
        self._clock = clock
        self._consent = consent
        self._cases = cases
        self._help_sequence = help_sequence
        self._last_down = last_down
        self._challenge = challenge
        self._heartbeat_s = heartbeat_s
        self._version = version
        self._site = site
        self._link: Link | None = None
        self._changed = asyncio.Event()
        self._here = False
        self.counts: Counter[str] = Counter()

    def up(self, link: Link) -> None:
        """A link is there."""
        self._link, self._here = link, False
        self._changed.set()

    def down(self, _reason: str = "") -> None:
        """It is gone."""
        self._link = None
        self._changed.set()

    def wake(self) -> None:
        """What a birth says has changed (consent, cases): say it again."""
        self._changed.set()

    def will(self) -> Will | None:
        """What the broker says when this gateway is gone; None without consent."""
        if not self._consent().help_ready:
            return None
        event = self._event("presence", {"status": "gone"})
        found = self._attributes(event)
        # nobody knows now when that will be
        said = {name: value for name, value in found.items() if name not in ("time", "uptime", "clocktrusted")}
        return Will(up_topic(self._root, self._gateway, EventKind.STATE), event.payload, said)

    async def farewell(self, link: Link, why: str) -> None:
        """The last word before a polite end, where anything was said before. Raises LinkError."""
        if self._here:
            self._here = False
            await self._publish(link, "presence", "", {"status": why}, retain=True)

    async def run(self) -> None:
        """Birth at each link and each change, heartbeats between; until cancelled."""
        while True:
            pause_s = None
            self._changed.clear()
            if self._link is not None:
                with suppress(LinkError):
                    await self._birth(self._link)
                pause_s = self._heartbeat_s
            while pause_s is not None and not await self._changed_within(pause_s):
                await self._heartbeat()
            await self._changed.wait()

    async def _changed_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self._changed.wait()
        return False

    async def _birth(self, link: Link) -> None:
        help_ready = self._consent().help_ready
        cases = self._cases()
        if help_ready:
            self._here = True
            with suppress(LinkRefusedError):
                await self._publish(link, "presence", "", {"status": "here"}, retain=True)
        if help_ready or cases:
            with suppress(LinkRefusedError):
                await self._publish(link, "birth", "birth", self._life(cases), retain=True)

    def _life(self, cases: Sequence[HelpRequest]) -> dict[str, Any]:
        challenge = self._challenge()
        return {
            **({"challenge": challenge} if challenge else {}),
            "version": self._version,
            "gateway": self._gateway,
            "site": self._site,
            "cases": [
                {
                    "id": uuid_text(case.id),
                    "code": case.code,
                    "state": case.state.value,
                    "trigger": case.trigger.value,
                }
                for case in cases[:MAX_CASES]
            ],
            "help_sequence": self._help_sequence(),
            "last_down_sequence": self._last_down(),
            "consent": sorted(self._consent().granted),
        }

    async def _heartbeat(self) -> None:
        link = self._link
        if link is None or not self._consent().help_ready:
            return
        life_s = max(1, int(self._heartbeat_s * HEARTBEAT_LIVES))
        with suppress(LinkError):
            await self._publish(link, "heartbeat", "heartbeat", {"cases": len(self._cases())}, expiry_s=life_s)

    async def _publish(
        self,
        link: Link,
        what: str,
        name: str,
        data: Mapping[str, Any],
        *,
        retain: bool = False,
        expiry_s: int | None = None,
    ) -> None:
        event = self._event(what, data)
        topic = up_topic(self._root, self._gateway, EventKind.STATE, name)
        try:
            await link.publish(topic, event.payload, self._attributes(event), retain=retain, expiry_s=expiry_s)
        except LinkError:
            self.counts["failed"] += 1
            raise
        self.counts[what] += 1

    def _event(self, what: str, data: Mapping[str, Any]) -> Event:
        now = self._clock.now()
        return Event(
            id=uuid7(now.wall, os.urandom(10)),
            kind=EventKind.STATE,
            type=f"edge.state.{what}.v1",
            subject=self._gateway,
            at=now.monotonic,
            boot_id=now.boot_id,
            payload=pack(dict(data)),
        )

    def _attributes(self, event: Event) -> dict[str, str]:
        found = attributes(event, self._gateway, self._clock.now(), historical=False)
        del found["sequence"]  # it stands in no lane, so a gap must not be looked for
        return found
