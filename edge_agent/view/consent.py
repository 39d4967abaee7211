"""What may leave this house, and the household's switches for it."""

from edge_agent.control import types
from edge_agent.core.consent import PURPOSES
from edge_agent.view.seen import Seen


class ConsentView(Seen):
    """The purposes, and deciding of one."""

    __slots__ = ()

    def consent(self) -> types.Consent:
        """Every purpose, allowed or not."""
        consents = self.consents
        purposes = []
        for name in PURPOSES:
            decision = consents.decided.get(name)
            purposes.append(
                types.Purpose(
                    name=name,
                    granted=name in consents.current.granted,
                    lets_out=self.texts[f"consent.{name}"],
                    configured=name in consents.configured,
                    by=decision.by if decision else "",
                    wall=decision.wall if decision else None,
                )
            )
        return types.Consent(
            purposes, self.texts["consent.always"], self.texts.language, round(self.clock.now().wall, 1)
        )

    async def decide(self, ask: types.Decide) -> types.Consent:
        """Allow a purpose, or take it back."""
        await self.consents.decide(ask.purpose, granted=ask.granted, by=ask.by)
        return self.consent()
