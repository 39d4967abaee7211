"""The description of the control API, OpenAPI 3.1, made from the table of routes and its types.

`python -m docs.made` writes it to docs/openapi.json.
"""

import json
from collections.abc import Iterable
from typing import Any

from msgspec.json import schema_components

from edge_agent.control.routes import ROUTES, Route
from edge_agent.control.types import API_VERSION, GAP, LIVE_KINDS, Failure, Gap

_REF = "#/components/schemas/{name}"
_INFO = {
    "title": "edge-agent control API",
    "version": str(API_VERSION),
    "description": "HTTP on the Unix socket control.sock of the agent's runtime folder and, for those who may only "
    "look, control-read.sock. Host is localhost or edge-agent, and there is no Origin. Ages (`_s`) are seconds before "
    "the reply was made, `wall` is Unix seconds. Fields are added, never changed or removed, within a version.",
}
_EVENTS = """Server-sent events. Each has an id; who comes back with the last one in Last-Event-ID hears what came \
since. Where events are missing, for that or because the listener was slow, an event of the kind `gap` says so. A \
comment comes at least every 10 seconds. The data of each kind: """
_FAILURES = {
    "400": "The question is not understood",
    "403": "This client, or this socket, may not ask that",
    "409": "Understood, and refused as things stand",
    "503": "Too many clients; try again",
    "default": "Any other failure",
}


def description() -> bytes:
    """The whole of it as JSON, the same bytes for the same routes."""
    kinds: set[type] = {*(route.reply for route in ROUTES), *LIVE_KINDS.values(), Gap, Failure} - {str}
    asks = [route.ask for route in ROUTES]
    (*_,), components = schema_components([*sorted(kinds, key=str), *asks], ref_template=_REF)
    paths: dict[str, Any] = {}
    for route in ROUTES:
        place = paths.setdefault(f"/v{API_VERSION}/{route.name}", {})
        place["post" if route.writes else "get"] = _operation(route, components)
    paths[f"/v{API_VERSION}/events"] = {"get": _events()}
    used = {name: schema for name, schema in components.items() if name in _used(paths, components)}
    whole = {"openapi": "3.1.0", "info": _INFO, "servers": [{"url": "http://localhost"}], "paths": paths}
    failures = {code: {"description": what, "content": _json(Failure)} for code, what in _FAILURES.items()}
    parts = {"schemas": dict(sorted((used | {"Failure": components["Failure"]}).items())), "responses": failures}
    return json.dumps(whole | {"components": parts}, indent=1).encode() + b"\n"


def _operation(route: Route, components: dict[str, Any]) -> dict[str, Any]:
    name = route.name.replace("/", "_")
    told: dict[str, Any] = {"operationId": f"{'post' if route.writes else 'get'}_{name}", "summary": route.summary}
    if route.writes:
        needed = bool(components[route.ask.__name__].get("required"))
        told["requestBody"] = {"required": needed, "content": _json(route.ask)}
    else:
        fields = components[route.ask.__name__]
        told["parameters"] = [
            {"name": field, "in": "query", "required": field in fields.get("required", ()), "schema": schema}
            for field, schema in fields["properties"].items()
        ]
    return told | {"responses": {"200": {"description": "The answer", "content": _content(route.reply)}, **_failures()}}


def _events() -> dict[str, Any]:
    kinds = ", ".join(f"{kind} {_ref(data)}" for kind, data in (LIVE_KINDS | {GAP: Gap}).items())
    stream = {"description": "The stream", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    chosen = {"type": "array", "items": {"enum": list(LIVE_KINDS)}}
    return {
        "operationId": "get_events",
        "summary": "What happens, as it happens",
        "description": f"{_EVENTS}{kinds}.",
        "parameters": [
            {"name": "kinds", "in": "query", "style": "form", "explode": False, "schema": chosen},
            {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}},
        ],
        "responses": {"200": stream, **_failures()},
    }


def _failures() -> dict[str, Any]:
    return {code: {"$ref": f"#/components/responses/{code}"} for code in _FAILURES}


def _content(kind: type) -> dict[str, Any]:
    return {"text/plain": {"schema": {"type": "string"}}} if kind is str else _json(kind)


def _json(kind: type) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _ref(kind)}}}


def _ref(kind: type) -> str:
    return _REF.format(name=kind.__name__)


def _used(paths: Any, components: dict[str, Any]) -> set[str]:
    """The schemas that are spoken of, and those that these speak of."""
    found: set[str] = set()
    new = set(_named([json.dumps(paths)], components))
    while new:
        found |= new
        new = set(_named((json.dumps(components[name]) for name in new), components)) - found
    return found


def _named(texts: Iterable[str], components: dict[str, Any]) -> Iterable[str]:
    for text in texts:
        yield from (name for name in components if f"{_REF.format(name=name)}" in text)
