"""`edge-agent check-config FILE`: every mistake at once, or one line with what the file would run."""

import argparse
import json
from dataclasses import asdict, dataclass
from typing import Any

from edge_agent.config import DEFAULT_FILE
from edge_agent.config.load import load
from edge_agent.config.mistakes import ConfigProblems
from edge_agent.config.model import Config
from edge_agent.config.options import Languages
from edge_agent.console.out import say
from edge_agent.drivers.registry import LANGUAGES


@dataclass(frozen=True, slots=True)
class CheckConfig:
    """The command over these languages."""

    languages: Languages
    help: str = "say everything that is wrong in a configuration file, or what it would run"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments."""
        parser.add_argument("file", nargs="?", default=DEFAULT_FILE, metavar="FILE", help="default: %(default)s")
        parser.add_argument("--json", action="store_true", help="one JSON document instead of lines")
        parser.epilog = (
            "example:\n  edge-agent check-config config/home.toml\n\nexit codes: 0 all well, 1 mistakes, 2 wrong usage"
        )

    def run(self, args: argparse.Namespace) -> int:
        """Print the mistakes in the order of their lines, or one line of summary. 0 when there are none, else 1."""
        try:
            config = load(args.file, self.languages)
        except ConfigProblems as problems:
            say(_as_json(args.file, problems) if args.json else str(problems))
            return 1
        plan = summary(config)
        say(json.dumps({"ok": True, "file": args.file, **plan}) if args.json else f"{args.file}: {_sentence(plan)}")
        return 0


def summary(config: Config) -> dict[str, Any]:
    """What a configuration would run, as plain data."""
    devices = {device.name: device.language for device in config.devices}
    return {
        "devices": devices,
        "button": config.gpio.button is not None,
        "lamp": config.gpio.lamp is not None,
        "checks": len(config.check),
        "rules": [rule.name for rule in config.help.rules],
        "broker": f"{config.broker.host}:{config.broker.port}" if config.broker.host else None,
        "tls": config.broker.tls.enabled,
        "ways": {channel.name: channel.kind for channel in config.help.channels},
        "consent": [name for name in config.consent.__struct_fields__ if getattr(config.consent, name)],
    }


def _sentence(plan: dict[str, Any]) -> str:
    named = ", ".join(f"{name} ({language})" for name, language in plan["devices"].items())
    broker = f"no broker, {'all but calls for help' if plan['ways'] else 'everything'} stays local"
    if plan["broker"]:
        broker = f"broker {plan['broker']} {'with' if plan['tls'] else 'WITHOUT'} TLS"
    ways = ", ".join(f"{name} ({kind})" for name, kind in plan["ways"].items())
    mute = "" if "help_ready" in plan["consent"] else ", but may not: no consent to help_ready"
    told = f"{_count(len(plan['rules']), 'rule')} that call{'s' if len(plan['rules']) == 1 else ''} for help"
    rules = [f"{told} ({', '.join(plan['rules'])}){mute}"] if plan["rules"] else []
    parts = [
        _count(len(plan["devices"]), "device") + (f": {named}" if named else ""),
        f"{'a' if plan['button'] else 'no'} help button and {'a' if plan['lamp'] else 'no'} lamp on GPIO",
        _count(plan["checks"], "check"),
        *rules,
        broker + (f", other ways to the desk: {ways}" if ways else ""),
        f"consent to {', '.join(plan['consent']) or 'nothing'}",
    ]
    return f"all well; {'; '.join(parts)}"


def _count(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"


def _as_json(file: str, problems: ConfigProblems) -> str:
    mistakes = [{**asdict(mistake), "text": mistake.text} for mistake in problems.mistakes]
    return json.dumps({"ok": False, "file": file, "mistakes": mistakes, "more": problems.more})


CHECK_CONFIG = CheckConfig(LANGUAGES)
