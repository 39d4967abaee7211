"""What the agent says, without end: asked every few seconds for all, and heard as it happens."""

import threading
import time
from collections.abc import Callable

from edge_agent.console.watch.picture import Lost
from edge_agent.control.client import Client, ControlError

# All at once is five questions, some milliseconds of the agent's time.
EVERY_S = 2.0
RETRY_S = 1.0
HEARD = ("reading", "finding", "help", "lamp")


class Feed:
    """Two threads, one that asks and one that listens; each hands what it gets to `take(told)`.

    They are daemons: the program's end does not wait for a read of the stream.
    """

    def __init__(self, client: Client, take: Callable[[object], object], kinds: tuple[str, ...] = HEARD) -> None:
        self._client, self._take, self._kinds = client, take, kinds
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin."""
        for work in (self._ask, self._listen):
            threading.Thread(target=work, daemon=True).start()

    def stop(self) -> None:
        """Nothing is handed over any more."""
        self._ended.set()

    def _ask(self) -> None:
        client = self._client
        questions: tuple[Callable[[], object], ...] = (
            client.status,
            client.queue,
            client.help,
            client.channels,
            client.findings,
        )
        while not self._ended.is_set():
            try:
                for ask in questions:
                    self._hand(ask())
            except ControlError as error:
                self._hand(Lost(str(error)))
            self._ended.wait(EVERY_S)

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                for live in self._client.events(self._kinds):
                    self._hand(live.data)
                    if self._ended.is_set():
                        return
            except ControlError:
                time.sleep(RETRY_S)  # the one who asks tells what is wrong

    def _hand(self, told: object) -> None:
        if not self._ended.is_set():
            self._take(told)
