"""The PIN of a SIM card: entered once, and never again when the card refused it. Three wrong ones block the card."""

from pathlib import Path

from edge_agent.core.errors import LinkError
from edge_agent.uplink.channels.at import AtError
from edge_agent.uplink.channels.modem import Modem

_FIX = "Put the PIN into the file that pin_file names, or switch it off in a phone."


class Pin:
    """`file` holds the PIN, empty: there is none. `refused` remembers, over restarts, which state of it was wrong."""

    def __init__(self, file: str, refused: Path) -> None:
        self._file = Path(file) if file else None
        self._refused = refused

    async def enter(self, modem: Modem) -> None:
        """Unlock the card where it is locked. Raises LinkError saying what a person must do; AtError for its own."""
        state = "".join(await modem.command("AT+CPIN?", "+CPIN:")).partition(":")[2].strip().upper()
        if state == "READY":
            return
        if state != "SIM PIN":
            raise LinkError(f"the SIM card is blocked: it wants {state or 'something'}", fix="Unblock it in a phone.")
        if self._file is None:
            raise LinkError("the SIM card wants its PIN", fix=_FIX)
        if self._version() == self._kept():
            raise LinkError("the SIM card refused the PIN, and it is not tried again", fix=_FIX)
        pin = self._read()
        try:
            await modem.command(f'AT+CPIN="{pin}"')
        except AtError as error:
            self._keep()
            raise LinkError(f"the SIM card refused the PIN: {error.args[0]}", fix=_FIX) from None

    def _read(self) -> str:
        assert self._file is not None
        try:
            pin = self._file.read_text("ascii").strip()
        except (OSError, UnicodeError) as error:
            raise LinkError(f"the PIN in {self._file} cannot be read", fix=_FIX) from error
        # TS 31.101, 9.5.1: four to eight digits
        if not (pin.isdecimal() and 4 <= len(pin) <= 8):
            raise LinkError(f"there is no PIN in {self._file}: it has four to eight digits", fix=_FIX)
        return pin

    def _version(self) -> str:
        """Which state of the file was tried, without saying anything of what is in it."""
        assert self._file is not None
        try:
            return str(self._file.stat().st_mtime_ns)
        except OSError:
            return "none"

    def _kept(self) -> str:
        try:
            return self._refused.read_text("ascii")
        except (OSError, UnicodeError):
            return ""

    def _keep(self) -> None:
        """Raises LinkError where it cannot be kept: then it is told, for the next start will try again."""
        try:
            self._refused.write_text(self._version(), "ascii")
        except OSError as error:
            said = "the SIM card refused the PIN, and the disk does not keep that"
            raise LinkError(said, fix="Stop the agent and correct the PIN: three wrong ones block the card.") from error
