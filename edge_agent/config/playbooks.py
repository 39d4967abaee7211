"""Playbooks from their files: `load_folder` reads all of a folder, or says everything that is wrong with them."""

from collections.abc import Sequence
from pathlib import Path as FilePath
from string import Formatter
from typing import Any

from msgspec import inspect

from edge_agent.config.convert import Converter, build, choice, known_keys
from edge_agent.config.cross import check_settings
from edge_agent.config.locate import Path, Places
from edge_agent.config.mistakes import ConfigProblems, Mistake, Report, dotted
from edge_agent.config.nearest import nearest
from edge_agent.config.playbook_model import CheckTable, GuardTable, PlaybookFile, RemedyTable, SignTable
from edge_agent.config.source import parse_toml, read_source
from edge_agent.core.causes import AWAY, SILENT
from edge_agent.core.finding import CODE, Confidence, Severity
from edge_agent.core.guard import Guard
from edge_agent.core.playbook import Deed, Match, OwnCheck, Playbook, Remedy, Sign, Told, Worked

Table = dict[str, Any]
# A household needs some ten; more of them is a folder of something else.
MAX_FILES = 200
# What may stand in a sign without the playbook bringing the check: what the agent looks for by itself, or is told to.
KNOWN_CHECKS = ("range", "rate", "stuck", SILENT, "learned", AWAY, CODE)
# Of a device as a whole.
_OF_DEVICES = (AWAY, SILENT)
_FIELDS = {"device"}


def load_folder(folder: str) -> tuple[Playbook, ...]:
    """All playbooks of a folder (`*.toml`), by name. Raises ConfigProblems with the mistakes of all files."""
    path = FilePath(folder)
    if not path.is_dir():
        what = "a file and no folder" if path.exists() else "there is no such folder"
        raise ConfigProblems([Mistake(folder, 0, what=what, expected="a folder with playbooks, *.toml")])
    files = sorted(path.glob("*.toml"))
    found: dict[str, tuple[Playbook, str]] = {}
    mistakes: list[Mistake] = []
    more = 0
    if len(files) > MAX_FILES:
        mistakes.append(Mistake(folder, 0, what=f"{len(files)} files", expected=f"at most {MAX_FILES}"))
    for file in files[:MAX_FILES]:
        try:
            playbook = load_playbook(str(file))
        except ConfigProblems as problems:
            mistakes += problems.mistakes
            more += problems.more
            continue
        if playbook.name in found:
            other = found[playbook.name][1]
            what = f"the same as in {other}"
            mistakes.append(Mistake(str(file), 1, "name", f'"{playbook.name}"', "another name", what=what))
        found.setdefault(playbook.name, (playbook, str(file)))
    mistakes += _contradictions([*found.values()])
    if mistakes:
        raise ConfigProblems(mistakes, more)
    return tuple(found[name][0] for name in sorted(found))


def _contradictions(found: Sequence[tuple[Playbook, str]]) -> list[Mistake]:
    """A check of one name may be in several playbooks, but it must be the same one: it makes one finding."""
    mistakes = []
    first: dict[tuple[str, str], tuple[OwnCheck, str]] = {}
    for playbook, file in found:
        for check in playbook.checks:
            other = first.setdefault((check.quantity, check.name), (check, file))
            if other[0] != check:
                what = f"another check of {check.quantity} has this name in {other[1]}"
                mistakes.append(
                    Mistake(file, 1, "check", f'"{check.name}"', "another name, or the same check", what=what)
                )
    return mistakes


def load_playbook(file: str) -> Playbook:
    """The playbook in this file. Raises ConfigProblems with every mistake."""
    return parse_playbook(read_source(file), file)


def parse_playbook(source: str, file: str) -> Playbook:
    """The playbook in TOML text; `file` is its name in messages. Raises ConfigProblems with every mistake."""
    table = parse_toml(source, file)
    report = Report(file, Places(source))
    info = inspect.type_info(PlaybookFile)
    assert isinstance(info, inspect.StructType)
    good = Converter(report, lambda path, value, _: _unknown(path, value, report)).struct(info, table, ())
    if not report.full:
        _check_signs(good, report)
        _check_checks(good, report)
        _check_remedies(good, report)
        _check_texts(good, report)
    report.raise_if_any()
    return _playbook(build(info, good))


def schema() -> dict[str, Any]:
    """The JSON Schema of a playbook's file, for editors."""
    from msgspec.json import schema as made  # noqa: PLC0415 - the daemon has no use for it

    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Playbook", **made(PlaybookFile)}


def _unknown(path: Path, value: Any, report: Report) -> None:
    above = tuple(part for part in path[:-1] if isinstance(part, str))
    if above[:1] == ("text",):
        above = ("text",)
    known = [key for key in known_keys(inspect.type_info(PlaybookFile)) if key[:-1] == above]
    names = [key[-1] for key in known] or ["title", "cause", "action"]
    close = nearest(path[-1], names)
    report.add(path, value, what="unknown key", nearest=close and dotted((*path[:-1], close)))


def _check_signs(good: Table, report: Report) -> None:
    """Each sign can be found: by a check that the playbook brings, or by one that everybody knows."""
    match = good.get("match")
    if not isinstance(match, dict) or not report.clean(("match",)):
        return
    lists = {name: match[name] for name in ("all", "any", "sequence")}
    if not any(lists.values()):
        report.add(("match",), what="it has no sign", expected="all, any or sequence with findings to look for")
    if len(match["sequence"]) == 1:
        report.add(("match", "sequence"), what="one sign has no order", expected="two or more; or all")
    own = {(row.get("quantity"), row.get("name")) for row in good.get("check", ())}
    used = set()
    for name, rows in lists.items():
        for number, row in enumerate(rows):
            used.add((row["quantity"], row["check"]))
            _check_sign(row, ("match", name, number), own, report)
    for number, row in enumerate(good.get("check", ())):
        if report.clean(("check", number)) and (row["quantity"], row["name"]) not in used:
            what = "no sign looks at it"
            report.add(("check", number, "name"), row["name"], what=what, expected="a check that a sign names")


def _check_sign(row: Table, path: Path, own: set[tuple[Any, Any]], report: Report) -> None:
    check, quantity = row["check"], row["quantity"]
    if row["kind"] is None and (quantity, check) in own:
        return
    if not quantity and check not in _OF_DEVICES:
        expected = f"quantity, or {choice(_OF_DEVICES)} for the device as a whole"
        report.add(path, what="it names no quantity", expected=expected)
    elif check not in KNOWN_CHECKS:
        names = [*KNOWN_CHECKS, *(str(name) for _, name in own)]
        expected = f"a [[check]] of this playbook for {quantity}, or {choice(KNOWN_CHECKS)}"
        report.add(
            (*path, "check"), check, what="no check has this name", expected=expected, nearest=nearest(check, names)
        )


def _check_checks(good: Table, report: Report) -> None:
    first: dict[tuple[Any, Any], Path] = {}
    for number, row in enumerate(good.get("check", ())):
        path: Path = ("check", number)
        if not report.clean(path):
            continue
        if row["name"] in KNOWN_CHECKS:
            what = "a check that everybody knows has this name"
            report.add((*path, "name"), row["name"], what=what, expected="another name")
        key = (row["quantity"], row["name"])
        if key in first:
            line = report.line(first[key])
            report.add((*path, "name"), row["name"], what=f"the same as in line {line}", expected="another name")
        first.setdefault(key, (*path, "name"))
        check_settings(row, path, report)
        _check_guard(row["only_while"], (*path, "only_while"), report)


def _check_guard(row: Table | None, path: Path, report: Report) -> None:
    if row is None:
        return
    if row["above"] is None and row["below"] is None and row["equals"] is None:
        report.add(path, what="it has no bound", expected="above, below or equals")
    if row["equals"] is not None and not isinstance(row["equals"], bool | int | float | str):
        report.add((*path, "equals"), row["equals"], expected="true, false, a number or a text")


def _check_remedies(good: Table, report: Report) -> None:
    for number, row in enumerate(good.get("remedy", ())):
        path: Path = ("remedy", number)
        if not report.clean(path):
            continue
        _check_guard(row["only_if"], (*path, "only_if"), report)
        if row["off_s"] is not None and row["does"] != "power_cycle":
            report.add((*path, "off_s"), row["off_s"], what="only power_cycle has a use for it")


def _check_texts(good: Table, report: Report) -> None:
    """At least one language, and no field that nobody fills."""
    texts = good.get("text")
    if not isinstance(texts, dict):
        return
    if not texts:
        report.add(("text",), what="it says nothing", expected="a table [text.en] with title, cause and action")
    if not good.get("kinds") and report.clean(("kinds",)):
        report.add(("kinds",), what="it is for no device", expected='a list of kinds such as ["boiler"], or ["*"]')
    for language, row in texts.items():
        path: Path = ("text", language)
        if len(language) != 2 or not language.isalpha() or not language.islower():
            report.add(path, what="no language", expected="two letters, such as [text.en]")
        for key, text in row.items() if isinstance(row, dict) else ():
            wrong = _wrong_fields(text)
            if wrong:
                report.add((*path, key), text, what=wrong, expected="{device}, or no braces")


def _wrong_fields(text: str) -> str:
    try:
        fields = {name for _, name, spec, how in Formatter().parse(text) if name is not None or spec or how}
    except ValueError:
        return "a brace that is not closed"
    unknown = {str(name) for name in fields} - _FIELDS
    return f"nothing is put in {{{min(unknown)}}}" if unknown else ""


def _guard(row: GuardTable | None) -> Guard | None:
    return None if row is None else Guard(row.quantity, row.above, row.below, row.equals)


def _sign(row: SignTable) -> Sign:
    return Sign(row.check, row.quantity, row.side, row.kind or "")


def _check(row: CheckTable) -> OwnCheck:
    settings = {name: getattr(row, name) for name in ("min", "max", "hysteresis", "per_s", "window_s")}
    severity, guard = Severity(row.severity), _guard(row.only_while)
    return OwnCheck(row.name, row.quantity, row.kind, settings, row.confirm_s, row.clear_s, severity, guard)


def _remedy(row: RemedyTable) -> Remedy:
    remedy = Remedy(Deed(row.does), _guard(row.only_if), Worked(row.worked), row.verify_s, row.limit, row.per_s)
    return remedy if row.off_s is None else remedy._replace(off_s=row.off_s)


def _signs(rows: Sequence[SignTable]) -> tuple[Sign, ...]:
    return tuple(_sign(row) for row in rows)


def _playbook(file: PlaybookFile) -> Playbook:
    match = file.match
    return Playbook(
        name=file.name,
        kinds=file.kinds,
        severity=Severity(file.severity),
        confidence=Confidence(file.confidence),
        match=Match(_signs(match.all), _signs(match.any), _signs(match.sequence), match.within_s),
        told={language: Told(text.title, text.cause, text.action) for language, text in file.text.items()},
        checks=tuple(_check(row) for row in file.check),
        remedies=tuple(_remedy(row) for row in file.remedy),
        clear_s=file.clear_s,
        offer_help=file.offer_help,
    )
