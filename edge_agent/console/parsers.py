"""What every command takes, read from the parsers that read the command line: for completion and the man page."""

import argparse
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from edge_agent.console.cli import COMMANDS, find, others, parser_of


class Argument(NamedTuple):
    """An option (with names, such as --json) or a word in its place (without)."""

    names: tuple[str, ...]
    value: str
    """How its value is shown; empty: it takes none."""
    choices: tuple[str, ...]
    help: str
    needed: bool


class Described(NamedTuple):
    """A command: its words, and what its --help says."""

    name: str
    help: str
    epilog: str
    arguments: tuple[Argument, ...]

    @property
    def options(self) -> tuple[Argument, ...]:
        """Those that begin with a dash."""
        return tuple(each for each in self.arguments if each.names)


def described(names: Iterable[str] | None = None) -> Iterator[Described]:
    """Those of `names`, or all that this machine has; one that is not complete here is left out."""
    for name in (*COMMANDS, *sorted(others())) if names is None else names:
        try:
            command = find(name)
        except (ImportError, AttributeError):
            continue
        if command is not None:
            yield from _walked(name, command.help, parser_of(name, command))


def _walked(name: str, told: str, parser: argparse.ArgumentParser) -> Iterator[Described]:
    """The command, then those within it."""
    inner: list[tuple[str, str, argparse.ArgumentParser]] = []
    arguments = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to ask
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            helps = {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001
            arguments.append(Argument((), str(action.metavar), (), "what to do", needed=True))
            inner += [(f"{name} {word}", helps.get(word, ""), each) for word, each in action.choices.items()]
        elif action.help != argparse.SUPPRESS:
            arguments.append(_argument(action, parser))
    yield Described(name, told, parser.epilog or "", tuple(arguments))
    for each in inner:
        yield from _walked(*each)


def _argument(action: argparse.Action, parser: argparse.ArgumentParser) -> Argument:
    choices = tuple(str(each) for each in action.choices or ())
    shown = action.metavar if isinstance(action.metavar, str) else None
    value = "" if action.nargs == 0 else shown or ("|".join(choices) if choices else action.dest.upper())
    told = (action.help or "") % {**vars(action), "prog": parser.prog}
    return Argument(tuple(action.option_strings), value, choices, told, action.required)
