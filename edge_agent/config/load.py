"""`load` reads a TOML file into a Config, or says everything that is wrong with it at once."""

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path as FilePath
from typing import Any

from msgspec import inspect

from edge_agent.config.convert import Converter, build, known_keys
from edge_agent.config.cross import check_all
from edge_agent.config.locate import Path, Places
from edge_agent.config.mistakes import ConfigProblems, Report, dotted
from edge_agent.config.model import Config
from edge_agent.config.nearest import nearest
from edge_agent.config.options import Languages
from edge_agent.config.playbooks import load_folder
from edge_agent.config.source import parse_toml, read_source
from edge_agent.config.ways import check_ways
from edge_agent.core.errors import ConfigError

# Keys that people look for and that are elsewhere on purpose.
_ADVICE: dict[Path, tuple[str, str]] = {
    ("broker", "password"): (
        "unknown key: a password stands in a file of its own, so that this one can be shown to others",
        "broker.password_file",
    ),
}


def load(path: str | os.PathLike[str], languages: Languages) -> Config:
    """The configuration in this file, checked against `languages` too. Raises ConfigProblems with every mistake."""
    file = os.fspath(path)
    return parse(read_source(file), file, languages)


def parse(source: str, file: str, languages: Languages) -> Config:
    """The configuration in TOML text; `file` is its name in messages. Raises ConfigProblems with every mistake."""
    table = parse_toml(source, file)
    report = Report(file, Places(source))
    info = inspect.type_info(Config)
    assert isinstance(info, inspect.StructType)
    good = Converter(report, partial(_unknown, report, languages)).struct(info, table, ())
    if not report.full:
        check_all(good, languages, report)
        check_ways(good, report)
    problems = _check_playbooks(good, file)
    report.raise_if_any(problems)
    config = build(info, good)
    assert isinstance(config, Config)
    return config


def _check_playbooks(good: dict[str, Any], file: str) -> ConfigProblems | None:
    """The playbooks' folder is beside this file, or elsewhere; what is wrong in it is told with the rest."""
    table = good.get("playbooks", {})
    if not table.get("folder"):
        return None
    table["folder"] = str(FilePath(file).absolute().parent / table["folder"])
    try:
        load_folder(table["folder"])
    except ConfigProblems as problems:
        return problems
    return None


def _unknown(report: Report, languages: Languages, path: Path, value: Any, table: dict[str, Any]) -> None:
    what, close = _ADVICE.get(path, ("unknown key", ""))
    if not close and not report.full:
        close = _nearest_key(languages, path, table)
    report.add(path, value, what=what, nearest=close)


def _nearest_key(languages: Languages, path: Path, table: dict[str, Any]) -> str:
    """An option of the device's language, the same key in another table, a like one in this table, or in any."""
    *above, key = path
    keys = list(known_keys(inspect.type_info(Config)))
    here = tuple(part for part in above if isinstance(part, str))
    siblings = [known[-1] for known in keys if known[:-1] == here]
    if "options" in siblings and (close := nearest(key, _options(languages, table))):
        return dotted((*above, "options", close))
    for known in keys:
        if known[-1] == key:
            return dotted(known)
    if close := nearest(key, siblings):
        return dotted((*above, close))
    close = nearest(key, [known[-1] for known in keys])
    return next((dotted(known) for known in keys if known[-1] == close), "")


def _options(languages: Languages, table: dict[str, Any]) -> Iterable[str]:
    try:
        return languages.spec(str(table.get("language", ""))).options
    except ConfigError:
        return ()
