"""The signed report."""

from edge_agent.control import types
from edge_agent.core.errors import RefusedError
from edge_agent.reporting import document, known_of, sealed
from edge_agent.threads import in_thread
from edge_agent.view.seen import Seen


class ReportView(Seen):
    """One text, and who signed it."""

    __slots__ = ()

    async def report(self) -> types.Report:
        """All there is, redacted and signed."""
        if self.signer.busy:
            raise RefusedError("a report is being made already", code="busy", fix="Try again in a moment.")
        self.signer.busy = True
        try:
            plain = await document(self)  # type: ignore[arg-type]  # the whole of it is a View
            known = known_of(self.config, self.gateway)
            made: types.Report = await in_thread(lambda: self._signed(sealed(plain, known)))
            return made
        finally:
            self.signer.busy = False

    def _signed(self, text: str) -> types.Report:
        signature, key = self.signer.sign(types.SIGNED_AS + text.encode())
        return types.Report(document=text, signature=signature.hex(), key=key.hex())
