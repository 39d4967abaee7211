"""The man page edge-agent(1), from what the commands say of themselves with --help."""  # noqa: INP001 - a script's part

import re
from collections.abc import Iterator

from edge_agent.config import DEFAULT_FILE
from edge_agent.console.cli import COMMANDS, others
from edge_agent.console.parsers import Argument, Described, described
from edge_agent.control.paths import SERVICE_FOLDER, SOCKET_ENV, SOCKET_NAME, read_socket

FILES = (
    (DEFAULT_FILE, "The configuration."),
    (str(SERVICE_FOLDER / SOCKET_NAME), "The control socket of the service, which the commands ask."),
    (str(read_socket(SERVICE_FOLDER / SOCKET_NAME)), "The one beside it, for those who only look."),
)
ENVIRONMENT = (
    (SOCKET_ENV, "The control socket that the commands ask, where --socket does not name one."),
    ("XDG_RUNTIME_DIR, XDG_STATE_HOME", "Where the socket of an agent is that runs as you and not as a service."),
)


def manual() -> str:
    """The page, as troff. Commands of packages that are not this project's are left out."""
    ours = sorted(name for name, point in others().items() if point.value.startswith("simulators."))
    return "\n".join(_page(list(described((*COMMANDS, *ours))))) + "\n"


def _page(commands: list[Described]) -> Iterator[str]:
    yield '.\\" Made by python -m docs.made from the parsers of the commands.'
    yield ".TH EDGE\\-AGENT 1"
    yield ".SH NAME"
    yield "edge\\-agent \\- reads sensors, checks them, and brings help at the press of a button"
    yield from (".SH SYNOPSIS", ".B edge\\-agent", ".I COMMAND", "[options]", ".br")
    yield from (".B edge\\-agent", "\\-\\-help | \\-\\-version")
    yield from (".SH DESCRIPTION", ".B edge\\-agent run", "is the agent; the other commands ask it while it runs.")
    yield "Each says with \\-\\-help what stands here."
    yield ".SH COMMANDS"
    for command in commands:
        yield from _command(command)
    for title, rows in (("FILES", FILES), ("ENVIRONMENT", ENVIRONMENT)):
        yield f".SH {title}"
        for name, told in rows:
            yield from (".TP", f".B {escaped(name)}", escaped(told))


def _command(command: Described) -> Iterator[str]:
    yield f'.SS "{escaped(" ".join(("edge-agent", command.name, *map(_used, command.arguments))))}"'
    yield escaped(command.help)
    for each in command.arguments:
        head = f"{', '.join(each.names)} {each.value}".strip()
        yield from (".TP", f".B {escaped(head)}", escaped(each.help) or "\\&")
    if command.epilog:
        yield from (".PP", ".nf", *map(escaped, command.epilog.rstrip().split("\n")), ".fi")


def _used(argument: Argument) -> str:
    words = f"{argument.names[-1] if argument.names else ''} {argument.value}".strip()
    return words if argument.needed else f"[{words}]"


def escaped(text: str) -> str:
    """A line of text that troff shows as it is; an empty one stays an empty line."""
    plain = (
        text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("'", "\\(aq").replace("`", "\\(ga")
    )
    plain = re.sub(r"[^\x00-\x7f]", lambda found: f"\\[u{ord(found[0]):04X}]", plain)
    return f"\\&{plain}" if plain.startswith(".") else plain
