"""What the desk's page serves of its own, and how its failures read."""

from importlib.resources import files
from typing import Any

from edge_agent.console.web.talks import KINDS, Handler, failure, in_words
from edge_agent.core.errors import StoreError


def static_files() -> dict[str, bytes]:
    """The page's files by name, read once."""
    folder = files("simulators.desk.web") / "static"
    found = {each.name: each.read_bytes() for each in folder.iterdir() if each.name.rpartition(".")[2] in KINDS}
    # how pages are put together is the same everywhere
    return found | {"dom.js": (files("edge_agent.console.web") / "static" / "dom.js").read_bytes()}


def written_down(handler: Handler) -> Handler:
    """As `in_words`; a store that fails is told too."""

    async def answer(request: Any, **named: Any) -> Any:
        try:
            return await in_words(handler)(request, **named)
        except StoreError as error:
            return failure(503, f"{error.args[0]}. Nothing was written down.")

    return answer
