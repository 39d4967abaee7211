"""`edge-agent completion`: a script for the shell, so that the Tab key finishes commands, options and choices.

Both shells get the same table, a function that prints the words that may come next. While somebody types, nothing is
asked and no program started.
"""

import argparse
import re
from collections.abc import Iterable, Iterator
from shlex import quote

from edge_agent.console.out import say
from edge_agent.console.parsers import Described, described

# Others are left out: a shell would read more into them, and no command needs them.
PLAIN = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
BASH = """\
_edge_agent() {
    local before=${COMP_WORDS[COMP_CWORD-1]} first= second=
    ((COMP_CWORD > 1)) && first=${COMP_WORDS[1]}
    ((COMP_CWORD > 2)) && second=${COMP_WORDS[2]}
    COMPREPLY=($(compgen -W "$(_edge_agent_words "$first" "$second" "$before")" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _edge_agent edge-agent"""
ZSH = """\
_edge_agent() {
    local first= second= found
    ((CURRENT > 2)) && first=$words[2]
    ((CURRENT > 3)) && second=$words[3]
    found=$(_edge_agent_words "$first" "$second" "$words[CURRENT-1]")
    if [ -n "$found" ]; then compadd -- ${=found}; else _files; fi
}
if [ "$funcstack[1]" = _edge-agent ]; then _edge_agent "$@"; else compdef _edge_agent edge-agent; fi"""
ENDS = {"bash": BASH, "zsh": ZSH}


class _Completion:
    help = "print a script for bash or zsh, so that the Tab key finishes commands and options"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the shell."""
        parser.epilog = (
            "examples:\n  source <(edge-agent completion bash)    in this shell\n"
            "  edge-agent completion bash > /etc/bash_completion.d/edge-agent\n"
            "  edge-agent completion zsh > /usr/local/share/zsh/site-functions/_edge-agent\n\n"
            "exit codes: 0 printed, 2 wrong usage"
        )
        parser.add_argument("shell", choices=list(ENDS), help="which shell")

    def run(self, args: argparse.Namespace) -> int:
        """Print it."""
        say(script(args.shell, list(described())))
        return 0


def script(shell: str, commands: list[Described]) -> str:
    """The script for that shell."""
    head = ["#compdef edge-agent"] if shell == "zsh" else []
    return "\n".join((*head, *_table(commands), ENDS[shell]))


def _table(commands: list[Described]) -> Iterator[str]:
    """A function of the first word, the second (empty while it is typed) and the one before the cursor."""
    names = [each.name for each in commands]
    yield "_edge_agent_words() {"
    yield "    local name=$1"
    yield f'    case "$1 $2" in {"|".join(quote(name) for name in names if " " in name)}) name="$1 $2" ;; esac'
    yield '    case "$name $3" in'
    for each in commands:
        for option in each.options:
            if option.value:
                patterns = "|".join(quote(f"{each.name} {name}") for name in option.names)
                yield f"        {patterns}) echo {quote(_words(option.choices))}; return ;;"
    yield "    esac"
    yield '    case "$name" in'
    yield f"        '') echo {quote(_words(dict.fromkeys(name.split()[0] for name in names)))} ;;"
    for each in commands:
        inner = _words(name.split()[1] for name in names if name.startswith(f"{each.name} "))
        if inner:
            yield f'        {quote(each.name)}) [ -n "$2" ] || echo {quote(inner)}; echo {quote(_taken(each))} ;;'
        else:
            yield f"        {quote(each.name)}) echo {quote(_taken(each))} ;;"
    yield "    esac"
    yield "}"


def _taken(command: Described) -> str:
    return _words(word for each in command.arguments for word in each.names or each.choices)


def _words(words: Iterable[str]) -> str:
    return " ".join(word for word in words if PLAIN.fullmatch(word))


COMPLETION = _Completion()
