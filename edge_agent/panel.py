"""What the household sees, hears and presses: lamp, buzzer, voice, the help button, and a second input that cancels."""

from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING

from edge_agent import settings
from edge_agent.core.gesture import Button, Gesture, Touch
from edge_agent.core.lamp import Pattern
from edge_agent.core.reading import Handover, Reading
from edge_agent.services.button import ButtonReader
from edge_agent.services.device_buttons import DeviceButton
from edge_agent.services.indicator import Arbiter
from edge_agent.services.speech import Speech
from edge_agent.supervisor import Job
from edge_agent.texts import Texts, texts
from edge_agent.view import lamp

if TYPE_CHECKING:
    from edge_agent.app import Agent


class Panel:
    """`arbiter` owns lamp and buzzer, `button` reads the finger, whether on a GPIO line, a device or by command."""

    def __init__(self, agent: "Agent") -> None:
        self._agent = agent
        help_, hardware = agent.config.help, agent.hardware
        self.texts: Texts = texts(agent.config.gateway.language)
        self.speech = Speech(self.texts) if help_.speech else None
        self.arbiter = Arbiter(
            [hardware.lamp] if hardware.lamp else [],
            [hardware.buzzer] if hardware.buzzer else [],
            self._changed,
            settings.outside_quiet_hours(agent.config, agent.clock),
        )
        gesture = Button(help_.debounce_ms / 1000, help_.hold_s, stuck_s=help_.stuck_s)
        self.button = ButtonReader(gesture, self._touched)
        self._device = DeviceButton(help_.button_channel, lambda _: self.button.look())
        self._cancel = DeviceButton(help_.cancel_channel, self._cancel_pressed)
        self._opener = DeviceButton(agent.config.console.input_channel, self._opener_pressed)
        self._held_at = -inf

    def connect(self) -> None:
        """Read the buttons that there are from now on."""
        real = self._agent.hardware.button
        if real:
            real.on_edge = self.button.edge
            self.button.connect(real)
        if self._device.channel:
            self.button.connect(self._device)

    def jobs(self) -> Iterator[Job]:
        """What runs beside the rest."""
        if self.speech:
            yield "speech", self.speech.run

    def see(self, reading: Reading) -> None:
        """A reading may be of a button."""
        self._device.see(reading)
        self._cancel.see(reading)
        self._opener.see(reading)

    def called(self, handover: Handover) -> None:
        """The button of a device was held, and the device counted the time."""
        ago_s = max(0.0, self._agent.clock.now().monotonic - handover.at)
        self._agent.help.called(handover.key, ago_s, again=self._seen_before(handover.at))

    def case_changed(self) -> None:
        """New words of the desk are said aloud."""
        if self.speech:
            self.speech.hear(self._agent.help.case)

    def _changed(self, pattern: Pattern) -> None:
        self._agent.hub.tell("lamp", lamp(pattern, self.texts))
        if self.speech:
            self.speech.show(pattern)

    def _touched(self, gesture: Gesture) -> None:
        if gesture.touch is not Touch.HELD or not self._seen_before(gesture.at):
            self._agent.help.touch(gesture)

    def _seen_before(self, held_at: float) -> bool:
        """Whether this is the hold that was told already: a device may say its level as well as that it was held.

        Two holds are further apart than one of them lasts.
        """
        before, self._held_at = self._held_at, held_at
        return abs(held_at - before) < self._agent.config.help.hold_s

    def _opener_pressed(self, down: bool) -> None:
        if down:
            self._agent.open_page("input")

    def _cancel_pressed(self, down: bool) -> None:
        case = self._agent.help.case
        if down and case and case.open:
            self._agent.help.cancel()
