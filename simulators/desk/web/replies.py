"""What the page's server says: files, JSON and failures in words, each with what keeps other pages out."""

import json
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

from microdot import Response

from edge_agent.control.bounds import Refused
from edge_agent.core.errors import StoreError

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
KINDS = {"html": "text/html; charset=utf-8", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
Handler = Callable[..., Awaitable[Any]]


def static_files() -> dict[str, bytes]:
    """The page's files by name, read once."""
    folder = files("simulators.desk.web") / "static"
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.name.rpartition(".")[2] in KINDS}


def object_of(request: Any) -> dict[str, Any]:
    """The JSON object of a body. Raises Refused."""
    try:
        told = json.loads(request.body or b"{}")
    except (ValueError, RecursionError) as error:
        raise Refused(400, "This is not JSON.", "Use the desk's own page.") from error
    if not isinstance(told, dict):
        raise Refused(400, "A JSON object is expected.", "Use the desk's own page.")
    return told


def plain(told: Any) -> Response:
    """Plain data as JSON."""
    return Response(json.dumps(told, allow_nan=False).encode(), 200, {"Content-Type": "application/json"})


def failure(status: int, error: str, fix: str = "") -> Response:
    """What went wrong and what to do, in words for people."""
    told = json.dumps({"error": error, "fix": fix}).encode()
    return Response(told, status, {"Content-Type": "application/json"})


def in_words(handler: Handler) -> Handler:
    """What a handler raises becomes an answer; microdot would print it first."""

    async def answer(request: Any, **named: Any) -> Any:
        try:
            return await handler(request, **named)
        except Refused as refused:
            return failure(refused.status, refused.error, refused.fix)
        except StoreError as error:
            return failure(503, f"{error.args[0]}. Nothing was written down.")

    return answer


def constant(status: int, error: str) -> Any:
    """A handler that always says this."""

    async def answer(_request: Any) -> Response:
        return failure(status, error)

    return answer
